"""The test door: what customers' banks, the dashboard and bad days do. See the package."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from sandbox.stripe import checkout, money
from sandbox.stripe.bank import Bank
from sandbox.stripe.objects import Thing

Wish = dict[str, Any]


def _card(bank: Bank, wish: Wish) -> Thing:
    bank.cards[wish["payment_method"]] = wish
    return bank.get("payment_method", wish["payment_method"])


def _trouble(bank: Bank, wish: Wish) -> Wish:
    bank.troubles.append({"next": 1, "path": "", "seconds": 1.0, **wish})
    return wish


def _late(bank: Bank, wish: Wish) -> Wish:
    bank.late_looks = wish["looks"]
    return wish


def _clock(bank: Bank, wish: Wish) -> Wish:
    bank.ahead_seconds += wish["seconds"]
    return {"now": bank.now()}


def _webhook(bank: Bank, wish: Wish) -> Wish:
    bank.hook = (wish["url"], wish["secret"]) if wish.get("url") else None
    return wish


def _ring(bank: Bank, wish: Wish) -> Thing:
    event = bank.get("event", wish["event"])
    bank.unsent.put_nowait(event)
    return event


DOORS: Final[dict[str, Callable[[Bank, Wish], Thing]]] = {
    "card": _card,
    "clock": _clock,
    "dispute": money.dispute,
    "fail_refund": money.fail_refund,
    "late": _late,
    "lose": partial(money.close, status="lost"),
    "pay": checkout.pay,
    "refund": money.refund,
    "reinstate": money.reinstate,
    "ring": _ring,
    "settle": checkout.settle,
    "trouble": _trouble,
    "warn": money.warn,
    "webhook": _webhook,
    "win": partial(money.close, status="won"),
    "withdraw": money.withdraw,
}
