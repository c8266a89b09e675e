"""Events of the audit log as pages tell them: who, to what, and change by change."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.audit_words import name_in, sentence
from accounts.models import AuditEvent
from console.amounts import amount

FEW = 3
"""Changes that are told in the row itself."""
_MICROS = "_micros"
_MOMENTS = ("_at", "_from", "until")
"""The ends of columns that hold one, in ISO 8601 as our services wrote it."""
_NOTHING = "none"
_MARK = "\0"
"""In the place of a name, to part a sentence at it; no value of an event has one."""

Values = Mapping[str, Any]


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
    before: Values | None
    after: Values | None
    """What whoever looks at it may read of the event's values."""
    address: str
    """From where it was done, for whoever may read that."""

    @property
    def did(self) -> str:
        """What was done, to follow the name of whoever did it: 'created the key ci'."""
        return self._sentence(self.what.name)

    @property
    def parts(self) -> tuple[str, str, str]:
        """The same as three: what is before the name of the thing, the name, and what is after."""
        lead, is_named, rest = self._sentence(_MARK).partition(_MARK)
        return lead, self.what.name if is_named else "", rest

    def _sentence(self, what: str) -> str:
        event = self.event
        return sentence(event.action, what, before=event.before, after=event.after)

    @property
    def changes(self) -> Sequence[Change]:
        """What is another value now; of a new thing, what it was made with."""
        return changes_of(self.before, self.after)

    @property
    def cells(self) -> tuple[str, str]:
        """Before and after as two cells of a file: 'budget day: $1.00; name: ci'."""
        return (
            "; ".join(
                f"{one.name}: {one.before}" for one in self.changes if one.before is not None
            ),
            "; ".join(f"{one.name}: {one.after}" for one in self.changes),
        )

    @property
    def is_short(self) -> bool:
        """Whether they are few."""
        return len(self.changes) <= FEW


def entry_of(
    event: AuditEvent,
    things: Mapping[str, Thing],
    *,
    who: Thing,
    before: Values | None,
    after: Values | None,
    address: str,
) -> Entry:
    """The event with the name of what it is about: by id among `things`, else as the event says."""
    name = name_in(event.object_type, event.object_id, event.before, event.after)
    what = things.get(event.object_id) or Thing(name, event.object_id)
    return Entry(event, who, what, before, after, address)


def changes_of(before: Values | None, after: Values | None) -> list[Change]:
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
        case {"micros": int(micros), "kind": "fixed", "width": width, "height": height} if (
            f" {width}x{height} " in column
        ):
            words = amount(micros)  # of a price's row, as its name is the column
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
