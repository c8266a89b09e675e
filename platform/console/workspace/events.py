"""Events of the audit log as pages tell them: by the names things go by now, change by change."""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent
from accounts.selectors import emails_of
from console.amounts import amount
from console.workspace.access import Workspace, keys_of
from webhooks.selectors import endpoints_of

FEW = 3
"""Changes that are told in the row itself."""
_BY_KEY = re.compile(r"API key (key_\w+)", re.ASCII)
"""The actor of what was done through the API."""
_NAMES = ("name", "email", "url")
"""What an event calls the thing by that it is about, where it does."""
_MICROS = "_micros"
_MOMENTS = ("_at", "_from", "until")
"""The ends of columns that hold one, in ISO 8601 as our services wrote it."""
_NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Thing:
    """A person, a key, an endpoint or the workspace: its name and its page, if there are any."""

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
        return changes_of(self.event.before, self.event.after)

    @property
    def is_short(self) -> bool:
        """Whether they are few."""
        return len(self.changes) <= FEW


def told(
    workspace: Workspace,
    events: Sequence[AuditEvent],
    *,
    is_of_one: bool = False,
    keys: Sequence[ApiKey] | None = None,
) -> list[Entry]:
    """Events with names. What has none now goes by that in the event, or by what it is.

    With `is_of_one` they are the history of one thing, whose name is not looked up. `keys` are
    those that the member may know, where they were read already.
    """
    kinds: set[str] = set() if is_of_one else {event.object_type for event in events}
    things = _things(workspace, events, kinds, keys)

    def named(event: AuditEvent) -> Entry:
        by_key = _BY_KEY.fullmatch(event.actor_name)
        who = things.get(by_key[1]) if by_key else None
        said = {**(event.before or {}), **(event.after or {})}
        kind = event.object_type.replace("_", " ").capitalize()
        name = next((str(said[word]) for word in _NAMES if said.get(word)), kind)
        what = things.get(event.object_id) or Thing(name, event.object_id)
        return Entry(event, who or Thing(event.actor_shown), what)

    return [named(event) for event in events]


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
    """In the workspace's time zone; as it is where it is none after all."""
    try:
        at = timezone.localtime(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        return value
    return f"{at:%-d %b %Y, %H:%M} {timezone.get_current_timezone_name()}"


def _things(
    workspace: Workspace,
    events: Sequence[AuditEvent],
    kinds: Collection[str],
    keys: Sequence[ApiKey] | None,
) -> dict[str, Thing]:
    """What events of these kinds are about, and keys that did it, by id; three queries at most."""
    tenant = workspace.tenant
    people = [event.object_id for event in events if event.object_type == "user"]
    found = {tenant.public_id: Thing(tenant.shown_name, tenant.public_id)}
    found |= {person: Thing(email, person) for person, email in emails_of(people).items()}
    if keys is None:
        has_keys = "api_key" in kinds or any(_BY_KEY.fullmatch(one.actor_name) for one in events)
        keys = keys_of(workspace) if has_keys else []
    for key in keys:
        page = reverse("workspace:key", args=[tenant.public_id, key.public_id])
        found[key.public_id] = Thing(key.name or "Unnamed", key.public_id, page)
    for one in endpoints_of(tenant.id) if "webhook_endpoint" in kinds else ():
        page = reverse("workspace:webhook", args=[tenant.public_id, one.public_id])
        found[one.public_id] = Thing(one.url, one.public_id, page)
    return found
