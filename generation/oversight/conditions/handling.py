"""Operators' handling of conditions: assign, silence, accept for good. Each change is audited.

Raises ValidationError for a condition that has ended, and for a reason that is empty or too long.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Unpack

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import CharField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat, Length

from accounts.services import By, record
from accounts.titles import without_marks
from generation.models import Channel, Condition, ConditionLook
from generation.oversight.watch import LOOK_FRESH_FOR
from pictor.kit.words.untyped import Json

MAX_HOURS = 168
"""The longest silence."""
MAX_WHY, MAX_NAME = 200, 254
"""The longest reason and assignee, in characters."""


NUMBER_SECONDS = 180
"""How long the number of conditions is kept: a few looks."""
_NUMBER = "conditions"


@dataclass(frozen=True, slots=True)
class OpenConditions:
    """The open conditions, and the time of the last look; None before the first look."""

    conditions: Sequence[Condition]
    looked_at: datetime | None
    is_fresh: bool

    def needing(self, now: datetime) -> list[Condition]:
        """The open conditions that are neither silenced now nor accepted."""
        return [condition for condition in self.conditions if not is_quiet(condition, now)]


def is_quiet(condition: Condition, now: datetime) -> bool:
    """True if it is accepted, or silenced now."""
    until = condition.silenced_until
    return condition.accepted_at is not None or (until is not None and until > now)


def conditions_now(*, now: datetime) -> OpenConditions:
    """All open conditions, the oldest first."""
    last = last_look()
    is_fresh = last is not None and now - last <= LOOK_FRESH_FOR
    return OpenConditions(open_conditions(), last, is_fresh)


def note_number(now: datetime) -> None:
    """Keep how many open conditions need somebody, for the navigation, which asks no database."""
    needing = [one for one in open_conditions() if not is_quiet(one, now)]
    cache.set(_NUMBER, len(needing), NUMBER_SECONDS)


def number_noted() -> int:
    """The number at the last look; 0 if it is not known."""
    return int(cache.get(_NUMBER, 0))


def open_conditions() -> list[Condition]:
    """All open conditions, the oldest first."""
    return list(_with_channels(_open()).order_by("since", "id"))


def condition_by_id(condition_id: int) -> Condition | None:
    """The condition, open or ended."""
    return _with_channels(Condition.objects.filter(id=condition_id)).first()


def last_look() -> datetime | None:
    """The time of the last look, which a short-work worker does each minute."""
    return ConditionLook.objects.values_list("looked_at", flat=True).first()


@transaction.atomic
def assign(*, condition_id: int, to: str, **by: Unpack[By]) -> Condition:
    """Assign it to an operator."""
    to = without_marks(to)
    if not 0 < len(to) <= MAX_NAME:
        raise ValidationError(f"name the assignee, in at most {MAX_NAME} characters")
    return _change(_lock(condition_id), {"assigned_to": to}, "condition.assign", by)


@transaction.atomic
def unassign(*, condition_id: int, **by: Unpack[By]) -> Condition:
    """Remove its assignment."""
    return _change(_lock(condition_id), {"assigned_to": ""}, "condition.hand_back", by)


@transaction.atomic
def silence(
    *, condition_id: int, why: str, now: datetime, hours: int = 4, **by: Unpack[By]
) -> Condition:
    """Silence it for this many hours, a week's at most."""
    if not 0 < hours <= MAX_HOURS:
        raise ValidationError(f"silence it for 1 to {MAX_HOURS} hours")
    changes = {"silenced_until": now + timedelta(hours=hours), "why": _checked_reason(why)}
    return _change(_lock(condition_id), changes, "condition.silence", by)


@transaction.atomic
def accept(*, condition_id: int, why: str, now: datetime, **by: Unpack[By]) -> Condition:
    """Accept it for good, even if it returns."""
    changes = {"accepted_at": now, "why": _checked_reason(why)}
    return _change(_lock(condition_id), changes, "condition.accept", by)


@transaction.atomic
def recall(*, condition_id: int, **by: Unpack[By]) -> Condition:
    """End its silence or acceptance, even if it has ended."""
    changes = {"silenced_until": None, "accepted_at": None, "why": ""}
    condition = _lock(condition_id, among=Condition.objects.all())
    return _change(condition, changes, "condition.recall", by)


@transaction.atomic
def hand_back(*, of: str, **by: Unpack[By]) -> None:
    """Remove all assignments to this operator: `accounts.duties.Duties`, by apps.py."""
    for condition in _open().select_for_update().filter(assigned_to=of).order_by("id"):
        _change(condition, {"assigned_to": ""}, "condition.hand_back", by)


def _open() -> QuerySet[Condition]:
    return Condition.objects.filter(resolved_at=None)


def _with_channels(conditions: QuerySet[Condition]) -> QuerySet[Condition]:
    """Add the id of the channel that the object begins with or names after "on"."""
    blank, text = Value(" "), {"output_field": CharField()}
    named = (
        Channel.objects.alias(object=Concat(OuterRef("object"), blank, **text))
        .filter(
            Q(object__startswith=Concat("name", blank, **text))
            | Q(object__endswith=Concat(Value(" on "), "name", blank, **text))
        )
        .order_by(Length("name").desc())
    )
    found = Subquery(named.values("id")[:1])
    return conditions.annotate(channel=found)  # type: ignore[no-redef]  # where it is declared


def _lock(condition_id: int, *, among: QuerySet[Condition] | None = None) -> Condition:
    rows = _open() if among is None else among
    condition = rows.select_for_update().filter(id=condition_id).first()
    if condition is None:
        raise ValidationError(f"no condition {condition_id} is open")
    return condition


def _change(condition: Condition, changes: Json, action: str, by: By) -> Condition:
    before = {name: getattr(condition, name) for name in changes}
    for name, value in changes.items():
        setattr(condition, name, value)
    condition.save(update_fields=list(changes))
    record(
        condition.audited,
        action,
        before=_audited_values(before),
        after={"kind": condition.kind, "object": condition.object, **_audited_values(changes)},
        **by,
    )
    return condition


def _audited_values(values: Json) -> Mapping[str, str | None]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def _checked_reason(why: str) -> str:
    why = without_marks(why)
    if not 0 < len(why) <= MAX_WHY:
        raise ValidationError(f"say why, in at most {MAX_WHY} characters")
    return why
