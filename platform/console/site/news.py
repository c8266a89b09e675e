"""News on the status page: stops, incidents and maintenance, current and past."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from generation.models import Incident, Stop
from generation.oversight import incidents
from generation.selectors import public_stops

SHOWN_FOR = timedelta(days=90)
MAX_SHOWN_INCIDENTS = 20
"""The most past incidents on the page; its JSON and feed have more."""
State = Incident.State
BADGES: Mapping[State, Literal["ok", "warn", "bad", "info", "idle"]] = {
    State.INVESTIGATING: "bad",
    State.IDENTIFIED: "bad",
    State.MONITORING: "warn",
    State.RESOLVED: "ok",
    State.SCHEDULED: "info",
    State.IN_PROGRESS: "warn",
    State.COMPLETED: "ok",
}


@dataclass(frozen=True, slots=True)
class ShownIncident:
    incident: Incident
    now: datetime

    @property
    def state(self) -> State:
        return self.incident.state_at(self.now)

    @property
    def badge(self) -> str:
        return BADGES[self.state]

    @property
    def is_due(self) -> bool:
        """True if the time of a promised update has passed."""
        due = self.incident.next_update_at
        return due is not None and due < self.now

    def as_json(self) -> dict[str, Any]:
        """The incident for /status.json, without its author and the number of its recipients."""
        one = self.incident
        return {
            "id": one.id,
            "title": one.title,
            "kind": "maintenance" if one.is_maintenance else "incident",
            "state": self.state.value,
            "components": one.parts,
            "begins_at": _iso_or_none(one.begins_at),
            "ends_at": _iso_or_none(one.ends_at),
            "next_update_at": _iso_or_none(one.next_update_at),
            "updates": [
                {
                    "at": _iso_or_none(update.at),
                    "state": update.state,
                    "words": update.words,
                    "edited_at": _iso_or_none(update.edited_at),
                }
                for update in one.updates.all()
            ],
        }


@dataclass(frozen=True, slots=True)
class News:
    at: datetime
    stops: Sequence[Stop]
    open: Sequence[ShownIncident]
    past: Sequence[ShownIncident]

    @property
    def stopped(self) -> list[Stop]:
        return [stop for stop in self.stops if stop.ended_at is None]

    @property
    def going_on(self) -> bool:
        """True if there is a stop, an incident or maintenance now; scheduled ones do not count."""
        is_on = any(shown.state != State.SCHEDULED for shown in self.open)
        return is_on or bool(self.stopped)

    @property
    def state_by_part(self) -> Mapping[str, str]:
        return {
            part: "Maintenance" if shown.incident.is_maintenance else shown.state.label
            for shown in reversed(self.open)
            if shown.state != State.SCHEDULED
            for part in shown.incident.parts
        }

    @property
    def days(self) -> list[tuple[date, list[ShownIncident], list[Stop]]]:
        """Past incidents and stops, by the UTC day of their end, the latest first."""
        by_day: dict[date, tuple[list[ShownIncident], list[Stop]]] = {}
        for shown in self.past[:MAX_SHOWN_INCIDENTS]:
            if shown.incident.ends_at is not None:
                by_day.setdefault(shown.incident.ends_at.date(), ([], []))[0].append(shown)
        for stop in self.stops:
            if stop.ended_at is not None:
                by_day.setdefault(stop.ended_at.date(), ([], []))[1].append(stop)
        return [(day, *by_day[day]) for day in sorted(by_day, reverse=True)]

    def as_json(self) -> dict[str, Any]:
        return {
            "stops": [
                {
                    "component": stop.model or None,
                    "words": stop.words,
                    "begins_at": _iso_or_none(stop.began_at),
                }
                for stop in self.stopped
            ],
            "incidents": [shown.as_json() for shown in (*self.open, *self.past)],
        }

    def entries(self) -> Iterator["FeedEntry"]:
        """Yield every update as an entry of the feed, in no order."""
        for shown in (*self.open, *self.past):
            for update in shown.incident.updates.all():
                yield FeedEntry(
                    key=f"incident-{shown.incident.id}-{update.id}",
                    title=f"{shown.incident.title}: {State(update.state).label.lower()}",
                    words=update.words,
                    at=update.at,
                )
        for stop in self.stops:
            what = stop.model or "Image generation"
            paused = FeedEntry(f"stop-{stop.id}", f"{what} is paused", stop.words, stop.began_at)
            yield paused
            if stop.ended_at is not None:
                yield FeedEntry(f"start-{stop.id}", f"{what} has resumed", "", stop.ended_at)


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """An item of the feed; `key` identifies it permanently."""

    key: str
    title: str
    words: str
    at: datetime


def news(*, now: datetime) -> News:
    """Current and scheduled news, and those that ended within 90 days."""
    since = now - SHOWN_FOR
    lists = incidents.recent_incidents(now=now, since=since)
    return News(
        at=now,
        stops=public_stops(since=since),
        open=[ShownIncident(incident, now) for incident in lists.open],
        past=[ShownIncident(incident, now) for incident in lists.ended],
    )


def _iso_or_none(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
