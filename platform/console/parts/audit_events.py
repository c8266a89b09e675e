"""Events of the audit log for pages: actor, object, and each change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.audit_words import name_in, sentence
from accounts.models import AuditEvent
from console.amounts import amount

MAX_CHANGES_IN_ROW = 3
"""The most changes that are shown in the row itself."""
_MICROS = "_micros"
_MOMENTS = ("_at", "_from", "until")
"""The endings of columns that hold a time, in ISO 8601 as our services wrote it."""
_NOTHING = "none"
_MARK = "\0"
"""A placeholder for a name, to split a sentence there; no value of an event contains it."""

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Thing:
    """The object or the actor of an event: its name, and its id and page, if it has any."""

    name: str
    id: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class ChangedValue:
    """One value that an event set, in words; `before` is None if the event created the object."""

    name: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An event with its actor, its object and its changes."""

    event: AuditEvent
    who: Thing
    what: Thing
    before: Values | None
    after: Values | None
    """The parts of the event's values that the reader may see."""
    address: str
    """The actor's IP address, if the reader may see it."""

    @property
    def did(self) -> str:
        """The action, to follow the actor's name: 'created the key ci'."""
        return self._sentence(self.what.name)

    @property
    def parts(self) -> tuple[str, str, str]:
        """The same in three parts: before the object's name, the name, and after it."""
        lead, is_named, rest = self._sentence(_MARK).partition(_MARK)
        return lead, self.what.name if is_named else "", rest

    def _sentence(self, what: str) -> str:
        event = self.event
        return sentence(event.action, what, before=event.before, after=event.after)

    @property
    def changes(self) -> Sequence[ChangedValue]:
        """The values that differ; of a new object, those it was created with."""
        return changes_of(self.before, self.after)

    @property
    def cells(self) -> tuple[str, str]:
        """The values before and after, as two cells of a file: 'budget day: $1.00; name: ci'."""
        return (
            "; ".join(
                f"{change.name}: {change.before}"
                for change in self.changes
                if change.before is not None
            ),
            "; ".join(f"{change.name}: {change.after}" for change in self.changes),
        )

    @property
    def is_short(self) -> bool:
        return len(self.changes) <= MAX_CHANGES_IN_ROW


def entry_of(
    event: AuditEvent,
    things: Mapping[str, Thing],
    *,
    who: Thing,
    before: Values | None,
    after: Values | None,
    address: str,
) -> AuditEntry:
    """Build an entry; the object's name is found by id in `things`, or else in the event."""
    name = name_in(event.object_type, event.object_id, event.before, event.after)
    what = things.get(event.object_id) or Thing(name, event.object_id)
    return AuditEntry(event, who, what, before, after, address)


def changes_of(before: Values | None, after: Values | None) -> list[ChangedValue]:
    """The values that differ, in the event's order; of a new object, those that are not empty."""
    if before is None:
        added = {
            name: value for name, value in (after or {}).items() if value not in (None, "", [])
        }
        return [
            ChangedValue(_name(name), None, _value(name, value)) for name, value in added.items()
        ]
    now = after or {}
    return [
        ChangedValue(_name(name), _value(name, before.get(name)), _value(name, now.get(name)))
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]


def by_key(columns: Values) -> dict[str, Any]:
    """Flatten values by model into entries such as 'cost dall-e-3'."""
    flat: dict[str, Any] = {}
    for name, value in columns.items():
        if isinstance(value, dict):
            flat |= {f"{name} {key}": child for key, child in value.items()}
        else:
            flat[name] = value
    return flat


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
            words = ", ".join(_value(column, one) for one in value)
        case {"micros": int(micros), "kind": "fixed", "width": width, "height": height} if (
            f" {width}x{height} " in column
        ):
            words = amount(micros)  # of a row of prices, whose name is the column
        case dict():
            words = ", ".join(f"{name}: {_value(name, one)}" for name, one in value.items())
        case str() if column.endswith(_MOMENTS):
            words = _moment(value)
        case _:
            words = str(value)
    return words


def _moment(value: str) -> str:
    """The time in the page's time zone; the text itself if it is no time after all."""
    try:
        at = timezone.localtime(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        return value
    return f"{at:%-d %b %Y, %H:%M} {timezone.get_current_timezone_name()}"
