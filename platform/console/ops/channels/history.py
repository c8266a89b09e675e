"""The history of a channel, newest first: operators' actions and events of its workers."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from accounts.models import AuditEvent
from accounts.selectors.office.audit import installation_events_about
from console.parts.audit_events import ChangedValue, by_key, changes_of
from console.parts.filters import PAGE_ROWS
from generation.catalogue.traffic.channel_events import Kind, changes_before
from generation.models import Channel, ChannelEvent, Worker
from generation.selectors import workers_among
from pictor.kit.words import typed

_FEW = 4
"""Changes shown before unfolding."""
WEIGHED = ("priority", "weight")
_CHANGES: Mapping[str, str] = {
    Kind.BREAKER_OPENED: "Breaker opened",
    Kind.BREAKER_CLOSED: "Breaker closed",
    Kind.GATE_CLOSED: "Vendor asked to wait",
    Kind.GATE_OPENED: "Vendor may be asked again",
    Kind.TRIAL: "Route tested",
    Kind.OTHER_MODEL: "Another model answered",
}
"""Channel events in the history; changes come from the audit log."""
_ACTIONS: Mapping[str, str] = {
    "channel.set": "Configuration changed",
    "channel.enable": "Enabled",
    "channel.disable": "Paused",
    "channel.reset": "Breakers and gates reset",
    "channel.archive": "Archived",
    "channel.revise": "Revision prepared",
    "channel.swap": "Revision swapped in",
    "channel.discard": "Revision discarded",
    "channel.costs": "Costs written",
    "channel.retire": "End dates of models entered",
    "channel.rotate": "Key re-encrypted",
}


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """An entry of the history; `who` is a person or a worker."""

    at: datetime
    words: str
    who: str
    note: str = ""
    changes: Sequence[ChangedValue] = ()
    back: str = ""
    """The query that restores priority and weight; empty if they did not change."""

    @property
    def is_short(self) -> bool:
        """True if the changes are shown without unfolding."""
        return len(self.changes) <= _FEW


def history_context(channel: Channel, before: str, *, at: datetime) -> dict[str, Any]:
    """Return a page of the history before the time in the address, or before now."""
    until = _moment(before)
    entries = history_of(channel, before=until or at + timedelta(minutes=1))
    last = entries[PAGE_ROWS - 1].at if len(entries) > PAGE_ROWS else None
    return {
        "entries": entries[:PAGE_ROWS],
        "newest": "?tab=history" if until else "",
        "older": f"?{urlencode({'tab': 'history', 'before': last.isoformat()})}" if last else "",
    }


def history_of(channel: Channel, *, before: datetime) -> list[HistoryEntry]:
    """Return the entries of a page and one more."""
    about, name, _ = channel.audited
    events = installation_events_about(
        about, name, before=before, limit=PAGE_ROWS + 1, but="channel.test"
    )
    changes = changes_before(channel, before, kinds=list(_CHANGES), most=PAGE_ROWS + 1)
    entries = [_event_entry(event) for event in events]
    workers = workers_among({change.worker for change in changes if change.worker})
    entries += [_breaker_entry(change, workers) for change in changes]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[: PAGE_ROWS + 1]


def _event_entry(event: AuditEvent) -> HistoryEntry:
    words = _ACTIONS.get(event.action, event.action)
    if event.action == "channel.set" and event.before is None:
        words = "Created"
    before = None if event.before is None else by_key(event.before)
    changes = changes_of(before, by_key(event.after or {}))
    back = _back(event.before or {}, event.after or {})
    return HistoryEntry(event.at, words, event.actor_name, changes=changes, back=back)


def _back(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    was, is_now = ({name: columns.get(name) for name in WEIGHED} for columns in (before, after))
    return "" if was == is_now or None in was.values() else urlencode(was)


def _breaker_entry(change: ChannelEvent, workers: Mapping[UUID, Worker]) -> HistoryEntry:
    seen_by = f"worker {workers.get(change.worker, change.worker)}" if change.worker else ""
    who = change.actor or seen_by
    parts = [change.model, f"for {change.seconds:.0f} s" if change.seconds else "", change.words]
    return HistoryEntry(change.at, _CHANGES[change.kind], who, note=", ".join(filter(None, parts)))


def _moment(text: str) -> datetime | None:
    with suppress(ValueError):
        return typed.moment(text)
    return None
