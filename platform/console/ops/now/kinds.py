"""The kinds of conditions: their severity, and the page to fix each of them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from urllib.parse import urlencode

from django.urls import reverse

from console.ops.access import Permission
from generation.models import Condition
from generation.oversight.watch import PART_FAILS, WORKERS
from pictor.kit.words import ids

Way = Callable[[Condition], str]
"""A function that returns the address of the page for a condition; empty if there is none."""


class Severity(IntEnum):
    UNSERVED = 0
    """Customers cannot be served; the status page says so too."""
    PARTLY = 1
    """Some requests fail or wait, or would if one more thing failed."""
    MONEY = 2
    """Money is or may be lost, or cannot be proved."""
    AHEAD = 3
    """Nothing is wrong before a date, or before somebody changes something."""

    @property
    def badge(self) -> str:
        return ("bad", "warn", "warn", "info")[self]


UNSERVED, PARTLY, MONEY, AHEAD = Severity


@dataclass(frozen=True, slots=True)
class ConditionKind:
    """A kind of condition; `button` leads the `way` for roles that have the permission `needs`."""

    severity: Severity
    button: str = ""
    way: Way | None = None
    needs: Permission = Permission.SEE


def _page(name: str, _condition: Condition) -> str:
    return reverse(name)


def _channel(tab: str, condition: Condition) -> str:
    if condition.channel is None:
        return ""
    url = reverse("ops:channel", args=[condition.channel])
    return f"{url}?{urlencode({'tab': tab})}" if tab else url


def _part(condition: Condition) -> str:
    if condition.object == WORKERS:
        return reverse("ops:system")
    return _channels_of_model(condition)


def _channels_of_model(condition: Condition) -> str:
    return f"{reverse('ops:channels')}?{urlencode({'model': condition.object})}"


def _generations(name: str, word: str, condition: Condition) -> str:
    query = {"model": condition.object, name: word}
    return f"{reverse('ops:generations')}?{urlencode(query)}"


def _margin(condition: Condition) -> str:
    """Return the page of a margin: `gpt-image-2 1024x1024 low on acme for ten_…`."""
    cell, _, where = condition.object.partition(" on ")
    channel, _, tenant = where.rpartition(" for ") if " for ten_" in where else (where, "", "")
    words = cell.split(" ")
    query = dict(zip(("model", "size", "quality"), [*words[:2], words[-1]], strict=False))
    query |= {"channel": channel} | ({"tenant": tenant} if tenant else {})
    return f"{reverse('ops:margin')}?{urlencode({**query, 'period': '7d'})}"


def _object(name: str, condition: Condition) -> str:
    return reverse(name, args=[condition.object])


def _price(condition: Condition) -> str:
    """Return the page of everyone's prices for the cell or model that the object begins with."""
    named = re.sub(r" as \S+", "", condition.object.partition(" on ")[0])
    return f"{reverse('ops:price_current')}?{urlencode({'q': named})}"


def _payment(condition: Condition) -> str:
    """Return the page of the payment that the object names; the list if it names none."""
    named = ids.parse_uuid(condition.object)
    return reverse("ops:payment", args=[named]) if named else reverse("ops:payments")


_LEDGER = ("See checks", partial(_page, "ops:ledger"))
_SYSTEM = ("See system", partial(_page, "ops:system"))
_PRICE = ("See price", _price)
_PAYMENT = ("See payment", _payment)
KINDS: Mapping[str, ConditionKind] = {
    PART_FAILS: ConditionKind(UNSERVED, "See supply", _part),
    "stopped": ConditionKind(UNSERVED, *_SYSTEM),
    "calls_fail": ConditionKind(PARTLY, "See errors", partial(_channel, "errors")),
    "breaker_open": ConditionKind(PARTLY, "See channel", partial(_channel, "")),
    "channels_shrunk": ConditionKind(PARTLY, "See channels", _channels_of_model),
    "update_overdue": ConditionKind(PARTLY, "Post update", partial(_page, "ops:incidents")),
    "route_untested": ConditionKind(AHEAD, "See routes", partial(_channel, "routes")),
    "upstream_retires": ConditionKind(AHEAD, "See routes", partial(_channel, "routes")),
    "other_model": ConditionKind(AHEAD, "See routes", partial(_channel, "routes")),
    "queued_too_long": ConditionKind(
        PARTLY, "See queued", partial(_generations, "state", "queued")
    ),
    "past_deadline": ConditionKind(PARTLY, "See generations", partial(_generations, "late", "1")),
    "storage_refuses": ConditionKind(PARTLY, *_SYSTEM),
    "signing_fails": ConditionKind(PARTLY, *_SYSTEM),
    "sold_below_cost": ConditionKind(MONEY, "See margin", _margin),
    "cost_unknown": ConditionKind(MONEY, "Set costs", partial(_channel, "cost")),
    "price_missing": ConditionKind(PARTLY, *_PRICE),
    "ledger_finding": ConditionKind(MONEY, *_LEDGER),
    "ledger_unproved": ConditionKind(MONEY, *_LEDGER),
    "sold_behind": ConditionKind(MONEY, *_SYSTEM),
    "price_change": ConditionKind(AHEAD, "See prices", partial(_page, "ops:prices")),
    "sunset_ahead": ConditionKind(AHEAD, "See model", partial(_object, "ops:model")),
    "money_waits": ConditionKind(MONEY, "Decide", partial(_page, "ops:moves"), Permission.MONEY),
    "balance_runs_out": ConditionKind(MONEY, "See tenant", partial(_object, "ops:tenant")),
    "mail_overdue": ConditionKind(PARTLY, *_SYSTEM),
    "webhooks_overdue": ConditionKind(PARTLY, *_SYSTEM),
    "alerts_overdue": ConditionKind(PARTLY, "See alerts", partial(_page, "ops:alerts")),
    "staff_as_member": ConditionKind(
        AHEAD, "See staff", partial(_page, "ops:staff"), Permission.STAFF
    ),
    "operator_key_ends": ConditionKind(
        AHEAD, "See keys", partial(_page, "ops:staff"), Permission.STAFF
    ),
    "payment_unclear": ConditionKind(MONEY, *_PAYMENT),
    "payment_disputed": ConditionKind(MONEY, *_PAYMENT),
    "payment_warned": ConditionKind(MONEY, *_PAYMENT),
    "payment_events": ConditionKind(MONEY, "See payments", _payment),
    "payment_bell": ConditionKind(AHEAD, "See payments", _payment),
    "payment_books": ConditionKind(MONEY, "See payments", _payment),
    "look_fails": ConditionKind(PARTLY, *_SYSTEM),
}


def kind_of(condition: Condition) -> ConditionKind:
    """Return the kind of a condition; MONEY for kinds that only another release knows."""
    return KINDS.get(condition.kind, ConditionKind(MONEY))
