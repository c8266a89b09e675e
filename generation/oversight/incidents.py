"""Incidents and maintenance as customers see them: on the status page, in its feeds, by mail.

Raises ValidationError, by field, for values that are missing, too long or in a wrong order.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q, QuerySet

from accounts.models import Actor
from accounts.selectors.office.members import emails_of_owners
from accounts.services import By, name_of, record
from accounts.services.office.mail import post_rendered
from accounts.titles import without_marks
from billing.selectors.office.buyers import tenants_using
from generation.catalogue.snapshot import current_catalogue
from generation.models import Incident, IncidentUpdate
from generation.oversight.watch import API, WORKERS
from pictor.kit.database import lock_numbers
from pictor.kit.words import clock

LOOK_BACK = timedelta(days=30)
"""Owners of tenants that used an affected part within this time may get mail."""
MAX_TITLE, MAX_UPDATE_CHARS = 120, 2000
"""Characters."""
MAX_LISTED = 50
MAIL = "account/email/incident"

State = Incident.State
STAFF_STATES: Sequence[State] = (
    State.INVESTIGATING,
    State.IDENTIFIED,
    State.MONITORING,
    State.RESOLVED,
)
"""States that staff set on an incident; maintenance takes its state from its times."""


@dataclass(frozen=True, slots=True)
class IncidentWords:
    """One update for customers, and whether it is mailed too.

    Attributes:
        words: for customers.
        once: an idempotency key: a second update with the same key is the first one.
        next_update_at: when the next update is promised; None for no promise.
        mails: whether to mail owners of tenants that have used the parts.
        page: the status page's address, for the mail; empty if unknown.
    """

    words: str
    once: UUID
    next_update_at: datetime | None = None
    mails: bool = False
    page: str = ""


def parts() -> list[str]:
    """The parts an incident can name, called as on the status page."""
    return [
        API,
        WORKERS,
        *sorted(contract.model for contract in current_catalogue().on_offer(clock.now())),
    ]


def owners_touched(touched: Collection[str], *, now: datetime) -> list[str]:
    """E-mail addresses of owners of tenants that used one of these parts in the last 30 days.

    The API and the workers count as used by every tenant that made an image.
    """
    if not touched:
        return []
    models = None if {API, WORKERS} & set(touched) else touched
    return emails_of_owners(tenants_using(models, since=now - LOOK_BACK))


@transaction.atomic
def begin(
    *,
    title: str,
    touched: Sequence[str],
    state: State,
    post: IncidentWords,
    now: datetime,
    **by: Unpack[By],
) -> Incident:
    """Publish an incident that has begun."""
    incident = Incident(
        title=_title(title),
        parts=_parts(touched),
        is_maintenance=False,
        state=state,
        begins_at=now,
        ends_at=now if state == State.RESOLVED else None,
    )
    return _open(incident, post, now, by)


@transaction.atomic
def plan(
    *,
    title: str,
    touched: Sequence[str],
    begins_at: datetime,
    ends_at: datetime,
    post: IncidentWords,
    now: datetime,
    **by: Unpack[By],
) -> Incident:
    """Announce maintenance, which begins and ends at these times."""
    if ends_at <= begins_at:
        raise ValidationError({"ends_at": "must be after the beginning"})
    if ends_at <= now:
        raise ValidationError({"ends_at": "is over"})
    incident = Incident(
        title=_title(title),
        parts=_parts(touched),
        is_maintenance=True,
        state=State.SCHEDULED,
        begins_at=begins_at,
        ends_at=ends_at,
    )
    return _open(incident, post, now, by)


@transaction.atomic
def update(
    *, incident_id: int, state: State | None, post: IncidentWords, now: datetime, **by: Unpack[By]
) -> Incident:
    """Publish an update. `resolved` ends it, maintenance too; another state reopens an incident.

    A `state` of None keeps the current one. States but `resolved` do not change maintenance.
    """
    incident = _lock_incident(incident_id)
    before = {"state": incident.state_at(now)}
    if IncidentUpdate.objects.filter(once=post.once).exists():
        return incident
    if state == State.RESOLVED and incident.is_maintenance:
        incident.begins_at = min(incident.begins_at, now)
        incident.ends_at = min(incident.ends_at or now, now)
    elif state is not None and not incident.is_maintenance:
        incident.state = state
        is_over = state == State.RESOLVED
        incident.ends_at = (incident.ends_at or now) if is_over else None
    posted = _say(incident, post, now, by["actor"])
    after = {"state": posted.state, "words": posted.words}
    record(incident.audited, "incident.update", before=before, after=after, **by)
    return incident


@transaction.atomic
def correct(*, update_id: int, words: str, now: datetime, **by: Unpack[By]) -> IncidentUpdate:
    """Replace the words of an update; the page marks it as edited."""
    update = IncidentUpdate.objects.select_for_update().filter(id=update_id).first()
    if update is None:
        raise ValidationError(f"no update {update_id}")
    before, update.words = update.words, _words(words)
    if update.words != before:
        update.edited_at = now
        update.save(update_fields=["words", "edited_at"])
        record(
            update.incident.audited,
            "incident.correct",
            before={"words": before},
            after={"words": update.words},
            **by,
        )
    return update


def incident_by_id(incident_id: int) -> Incident | None:
    """The incident with its updates, the newest first."""
    return _with_updates().filter(id=incident_id).first()


def updates_of(incident: Incident) -> list[IncidentUpdate]:
    """An incident's updates, the newest first."""
    return list(incident.updates.all())


class IncidentFilter(NamedTuple):
    """A filter by part and by maintenance or not; "" and None match any."""

    part: str = ""
    is_maintenance: bool | None = None


def open_ones(sought: IncidentFilter, *, now: datetime) -> list[Incident]:
    """Incidents that have not ended, with updates: ongoing ones first, then planned ones."""
    return _in_turn(_like(sought).filter(Q(ends_at=None) | Q(ends_at__gt=now)), now)


def under_way(*, now: datetime) -> list[Incident]:
    """Incidents and maintenance that have begun and not ended, without updates."""
    begun = Incident.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), begins_at__lte=now)
    return list(begun.order_by("begins_at", "id"))


def ended(
    sought: IncidentFilter, *, now: datetime, after: int | None = None, limit: int | None = None
) -> list[Incident]:
    """Ended incidents with updates, the latest first: at most `limit`, from after id `after`."""
    rows = _like(sought).filter(ends_at__lte=now)
    last = None if after is None else Incident.objects.filter(id=after).first()
    if last is not None:
        rows = rows.filter(Q(ends_at__lt=last.ends_at) | Q(ends_at=last.ends_at, id__lt=last.id))
    return list(rows.order_by("-ends_at", "-id")[:limit])


def _like(sought: IncidentFilter) -> QuerySet[Incident]:
    rows = _with_updates()
    if sought.part:
        rows = rows.filter(parts__contains=[sought.part])
    if sought.is_maintenance is not None:
        rows = rows.filter(is_maintenance=sought.is_maintenance)
    return rows


def _in_turn(incidents_found: Iterable[Incident], now: datetime) -> list[Incident]:
    return sorted(
        incidents_found,
        key=lambda incident: (incident.begins_at > now, incident.begins_at, incident.id),
    )


class IncidentLists(NamedTuple):
    """Open incidents, ongoing before planned; and ended ones, the latest first."""

    open: Sequence[Incident]
    ended: Sequence[Incident]


def recent_incidents(*, now: datetime, since: datetime) -> IncidentLists:
    """Incidents open now or ended since `since`, with updates: at most 50, the oldest cut off."""
    rows = _with_updates().filter(Q(ends_at=None) | Q(ends_at__gte=since))
    incidents = list(rows.order_by(F("ends_at").desc(nulls_first=True), "-id")[:MAX_LISTED])
    is_open = _in_turn((incident for incident in incidents if incident.is_open(now)), now)
    return IncidentLists(is_open, [incident for incident in incidents if not incident.is_open(now)])


def _with_updates() -> QuerySet[Incident]:
    return Incident.objects.prefetch_related("updates")


def _open(incident: Incident, post: IncidentWords, now: datetime, by: By) -> Incident:
    lock_numbers.lock(lock_numbers.INCIDENTS)  # a second click finds the first's incident
    known = IncidentUpdate.objects.select_related("incident").filter(once=post.once).first()
    if known is not None:
        return known.incident
    incident.save()
    posted = _say(incident, post, now, by["actor"])
    after = {
        "title": incident.title,
        "parts": incident.parts,
        "state": posted.state,
        "words": posted.words,
    }
    record(incident.audited, "incident.begin", after=after, **by)
    return incident


def _say(incident: Incident, post: IncidentWords, now: datetime, actor: Actor) -> IncidentUpdate:
    if post.next_update_at is not None and post.next_update_at <= now:
        raise ValidationError({"next_update_at": "must lie ahead"})
    incident.next_update_at = post.next_update_at if incident.is_open(now) else None
    incident.save()
    words, state = _words(post.words), incident.state_at(now)
    to = owners_touched(incident.parts, now=now) if post.mails else []
    update = IncidentUpdate.objects.create(
        incident=incident,
        at=now,
        state=state,
        words=words,
        by=name_of(actor),
        mailed=len(to),
        once=post.once,
    )
    context = {"incident": incident, "state": state.label, "words": words, "page": post.page}
    post_rendered(to=to, template=MAIL, words=context)
    return update


def _lock_incident(incident_id: int) -> Incident:
    incident = Incident.objects.select_for_update().filter(id=incident_id).first()
    if incident is None:
        raise ValidationError(f"no incident {incident_id}")
    return incident


def _title(title: str) -> str:
    title = without_marks(title)
    if not 0 < len(title) <= MAX_TITLE:
        raise ValidationError({"title": f"say what is wrong, in at most {MAX_TITLE} characters"})
    return title


def _words(words: str) -> str:
    words = "\n".join(without_marks(line) for line in words.splitlines()).strip()
    if not 0 < len(words) <= MAX_UPDATE_CHARS:
        raise ValidationError({"words": f"say it, in at most {MAX_UPDATE_CHARS} characters"})
    return words


def _parts(touched: Sequence[str]) -> list[str]:
    known = parts()
    if unknown := [part for part in touched if part not in known]:
        there = ", ".join(known)
        raise ValidationError({"parts": f"no such part: {', '.join(unknown)}; available: {there}"})
    if not touched:
        raise ValidationError({"parts": "name at least one"})
    return [part for part in known if part in touched]
