"""The test door: what customers' banks, the dashboard and bad days do. See the package."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from sandbox.stripe import checkout, money
from sandbox.stripe.bank import Bank
from sandbox.stripe.objects import Thing

_ACTS: Final[dict[str, Callable[[Bank, Thing], Thing]]] = {
    "dispute": money.dispute,
    "fail_refund": money.fail_refund,
    "lose": partial(money.close, status="lost"),
    "pay": checkout.pay,
    "refund": money.refund,
    "reinstate": money.reinstate,
    "settle": checkout.settle,
    "warn": money.warn,
    "win": partial(money.close, status="won"),
    "withdraw": money.withdraw,
}


def knock(bank: Bank, name: str, wish: dict[str, Any]) -> Thing:
    """Do it; a KeyError names what is not known or was not said."""
    match name:
        case "card":
            bank.cards[wish.pop("payment_method")] = wish
        case "clock":
            bank.ahead_seconds += wish["seconds"]
        case "late":
            bank.late_looks = wish["looks"]
        case "ring":
            bank.unsent.put_nowait(bank.get("event", wish["event"]))
        case "trouble":
            bank.troubles.append({"next": 1, "path": "", "seconds": 1.0, **wish})
        case "webhook":
            bank.hook = (wish["url"], wish["secret"]) if wish.get("url") else None
        case _:
            return _ACTS[name](bank, wish)
    return wish
