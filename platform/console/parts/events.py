"""Events of the audit log as pages tell them: who, to what, and change by change."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import AuditEvent
from console.amounts import amount

FEW = 3
"""Changes that are told in the row itself."""
_NAMES = ("name", "email", "url")
"""What an event calls the thing by that it is about, where it does."""
_MICROS = "_micros"
_MOMENTS = ("_at", "_from", "until")
"""The ends of columns that hold one, in ISO 8601 as our services wrote it."""
_NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Thing:
    """What an event is about, or who made it: its name and its page, if there are any."""

    name: str
    id: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One value that an event set, in words; `before` is None for what was made by it."""

    name: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An event: who did it, what it was done to, and what that changed."""

    event: AuditEvent
    who: Thing
    what: Thing

    @property
    def changes(self) -> Sequence[Change]:
        """What is another value now; of a new thing, what it was made with."""
        return changes_of(self.event.before, self.event.after_shown)

    @property
    def is_short(self) -> bool:
        """Whether they are few."""
        return len(self.changes) <= FEW


def entry_of(event: AuditEvent, things: Mapping[str, Thing], *, who: Thing | None = None) -> Entry:
    """The event with the name of what it is about: by id among `things`, else as the event says."""
    said = {**(event.before or {}), **(event.after_shown or {})}
    kind = event.object_type.replace("_", " ").capitalize()
    name = next((str(said[word]) for word in _NAMES if said.get(word)), kind)
    what = things.get(event.object_id) or Thing(name, event.object_id)
    return Entry(event, who or Thing(event.actor_shown), what)


def changes_of(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[Change]:
    """Each value that differs, in the event's order; of a new thing, those that say something."""
    if before is None:
        made = {name: value for name, value in (after or {}).items() if value not in (None, "", [])}
        return [Change(_name(name), None, _value(name, value)) for name, value in made.items()]
    now = after or {}
    return [
        Change(_name(name), _value(name, before.get(name)), _value(name, now.get(name)))
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]


def _name(column: str) -> str:
    """'budget month' for 'budget_month_micros'."""
    return column.removesuffix(_MICROS).replace("_", " ")


def _value(column: str, value: Any) -> str:
    match value:
        case None | "" | []:
            words = _NOTHING
        case bool():
            words = "yes" if value else "no"
        case int() if column.endswith(_MICROS):
            words = amount(value)
        case list():
            words = ", ".join(map(str, value))
        case dict():
            words = json.dumps(value, ensure_ascii=False)
        case str() if column.endswith(_MOMENTS):
            words = _moment(value)
        case _:
            words = str(value)
    return words


def _moment(value: str) -> str:
    """In the time zone that pages are shown in; as it is where it is none after all."""
    try:
        at = timezone.localtime(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        return value
    return f"{at:%-d %b %Y, %H:%M} {timezone.get_current_timezone_name()}"
