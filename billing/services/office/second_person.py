"""Whether moves of money wait for a second person: for their size, or for what a day comes to.

The limit of a day is on what one person books alone within 24 hours, and on what is booked so for
one tenant. It binds people, whose keys act for them, but not the shell; payments, which have a
reference, do not count. It binds nobody where no second person may move money.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from accounts.models import Actor, User
from accounts.selectors.office.people import others_move_money
from billing.selectors.office.moves import booked_alone
from pictor.kit.words.money import Micros, in_dollars

A_DAY = timedelta(hours=24)


def needs_another(amount: int) -> bool:
    """True if another person must approve an amount, however little else was moved."""
    return abs(amount) > settings.MONEY_NEEDS_TWO


def why_it_waits(
    amounts: Mapping[UUID, int],
    *,
    actor: Actor,
    now: datetime,
    is_payment: bool = False,
    total: int | None = None,
    but: Collection[UUID] = (),
) -> str:
    """Return why moves that are requested together wait for a second person; empty if they do not.

    `amounts` are micros by tenant. Payments wait only for their size. `total` is the size of
    several moves, with what else counts; None for one move. `but` are those of them already booked.
    """
    size = sum(amounts.values())
    if needs_another(size if total is None else total):
        before = "" if total is None or needs_another(size) else ", with those before"
        each = ": it" if total is None else f" in all{before}: each"
        limit = in_dollars(Micros(settings.MONEY_NEEDS_TWO))
        return f"Above {limit}{each} waits for another person's approval"
    day = None if is_payment else _day_with(amounts, actor, now, but)
    if day is None or day <= settings.MONEY_ALONE_A_DAY:
        return ""
    return f"{_of_a_day(day)}: waits for a second person"


def day_so_far(actor: Actor, *, now: datetime) -> str:
    """Return what a person booked alone, such as "$300 of $10,000 a day"; empty without limit."""
    day = _day_with({}, actor, now, ())
    return "" if day is None else _of_a_day(day)


def _day_with(
    amounts: Mapping[UUID, int], actor: Actor, now: datetime, but: Collection[UUID]
) -> int | None:
    """Return the largest sum that a person or a tenant comes to; None if no limit applies."""
    since = now - A_DAY
    if not isinstance(actor, User) or not others_move_money(actor, since=since):
        return None
    own, by_tenant = booked_alone(actor, tenants=amounts.keys(), since=since, but=but)
    sums = [by_tenant.get(tenant, 0) + abs(amount) for tenant, amount in amounts.items()]
    return max(own + sum(map(abs, amounts.values())), *sums, 0)


def _of_a_day(day: int) -> str:
    return f"{_short(day)} of {_short(settings.MONEY_ALONE_A_DAY)} a day"


def _short(amount: int) -> str:
    return in_dollars(Micros(amount)).removesuffix(".00")
