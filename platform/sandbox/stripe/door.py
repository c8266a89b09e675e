"""The test door: what customers' banks, the dashboard and bad days do. See the package."""

from collections.abc import Callable
from typing import Any, Final

from sandbox.stripe import checkout, disputes, money
from sandbox.stripe.bank import Bank, Trouble
from sandbox.stripe.objects import Thing

Wish = dict[str, Any]


def _charge(bank: Bank, wish: Wish) -> Thing:
    return money.charge_of(bank, wish)


def _dispute(bank: Bank, wish: Wish) -> Thing:
    charge = _charge(bank, wish)
    statuses = {"inquiry": "warning_needs_response", "prevented": "prevented"}
    return disputes.open_one(
        bank,
        charge,
        amount=wish.get("amount") or charge["amount"],
        reason=wish.get("reason", "fraudulent"),
        status=statuses.get(wish.get("kind", ""), "needs_response"),
    )


def _withdraw(bank: Bank, wish: Wish) -> Thing:
    made = bank.get("dispute", wish["dispute"])
    disputes.withdraw(bank, made, wish.get("amount"))
    return made


def _reinstate(bank: Bank, wish: Wish) -> Thing:
    made = bank.get("dispute", wish["dispute"])
    disputes.reinstate(bank, made, wish.get("amount") or made["amount"])
    return made


def _win(bank: Bank, wish: Wish) -> Thing:
    made = bank.get("dispute", wish["dispute"])
    disputes.close(bank, made, "won")
    return _reinstate(bank, wish)


def _lose(bank: Bank, wish: Wish) -> Thing:
    made = bank.get("dispute", wish["dispute"])
    is_inquiry = made["status"].startswith("warning")
    disputes.close(bank, made, "warning_closed" if is_inquiry else "lost")
    return made


def _fail_refund(bank: Bank, wish: Wish) -> Thing:
    made = bank.get("refund", wish["refund"])
    money.fail_refund(bank, made, wish.get("reason", "lost_or_stolen_card"))
    return made


def _warn(bank: Bank, wish: Wish) -> Thing:
    return disputes.warn(bank, _charge(bank, wish), wish.get("fraud_type", "misc"))


def _settle(bank: Bank, wish: Wish) -> Thing:
    session = bank.get("checkout.session", wish["session"])
    checkout.settle(bank, session, is_paid=wish.get("paid", True))
    return session


def _pay(bank: Bank, wish: Wish) -> Thing:
    session = bank.get("checkout.session", wish["session"])
    checkout.pay(bank, session, wish.get("way", "paid"))
    return session


def _card(bank: Bank, wish: Wish) -> Thing:
    paid_by = bank.get("payment_method", wish["payment_method"])
    names = ("behaviour", "advice_code")
    bank.cards[paid_by["id"]] = {name: wish[name] for name in names if name in wish}
    return paid_by


def _trouble(bank: Bank, wish: Wish) -> Wish:
    kind, left = wish["kind"], wish.get("next", 1)
    seconds = wish.get("seconds", 1.0)
    trouble = Trouble(kind=kind, left=left, path=wish.get("path", ""), seconds=seconds)
    bank.troubles.append(trouble)
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
    "dispute": _dispute,
    "fail_refund": _fail_refund,
    "late": _late,
    "lose": _lose,
    "pay": _pay,
    "refund": money.refund,
    "reinstate": _reinstate,
    "ring": _ring,
    "settle": _settle,
    "trouble": _trouble,
    "warn": _warn,
    "webhook": _webhook,
    "win": _win,
    "withdraw": _withdraw,
}
