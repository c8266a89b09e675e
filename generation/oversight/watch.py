"""The service's present health by part, and its daily history, for /status/.

The short-work worker looks once a minute and counts the look. Gaps are not filled in: a day without
a row was not looked at, which does not mean healthy. A look is cheap and bounded, so the page makes
one too.
"""

import time
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, Q, QuerySet, Value

from generation.admission import retry_shield
from generation.catalogue.contracts import Catalogue
from generation.catalogue.snapshot import current_catalogue
from generation.catalogue.traffic.minutes import RECENT_PERIOD
from generation.catalogue.traffic.standing import mostly_fails
from generation.lifecycle import lease
from generation.models import Condition, ConditionLook, Incident, WatchedDay
from pictor.kit.database.cursors import all_rows
from pictor.kit.words import ids

SHOWN_DAYS = 90
"""Days kept and shown, today included."""
API, WORKERS = "API", "Image workers"
LOOK_FRESH_FOR = timedelta(minutes=3)
"""The age from which a look says nothing about now."""
LEAST_BETWEEN_LOOKS_SECONDS = 30
"""Looks closer together count as one: several workers may each have a clock."""
LONGEST_GENERATION = timedelta(minutes=15)
"""The most time between making a request and its end."""
MAX_ENDED = 2_000
PART_FAILS = "part_fails"
"""The kind of the conditions about parts that do not work."""
PAUSED = "Paused by the operator"
NO_DATABASE = "The database did not answer"
NO_WEB_PROCESS = "No web process is at work"
SURE_AFTER_SECONDS = retry_shield.DEAD_AFTER_SECONDS
"""A live web process whose connection was cut is seen again well before this."""
AGAIN_SECONDS = 0.5

_unwritten: deque[datetime] = deque(maxlen=24 * 60)
"""This process's looks that found no database and could not be written then."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One part and its trouble, empty if it works."""

    part: str
    trouble: str


def look(*, now: datetime) -> list[Sight]:
    """Check the API, the image workers and every model on offer, in reverse order of name."""
    catalogue = current_catalogue()
    offered = sorted((contract.model for contract in catalogue.on_offer(now)), reverse=True)
    failing = _failing_models(now)
    return [
        Sight(API, "" if retry_shield.present() else NO_WEB_PROCESS),
        Sight(WORKERS, "" if lease.live_workers().workers else "None is at work"),
        *(Sight(name, _trouble(catalogue, name, failing)) for name in offered),
    ]


def sights(*, now: datetime) -> list[Sight]:
    """Each part as the overview's last look found it; if that is old, as it is now.

    So the status page and the overview are never of two minds. Only stops are newer.
    """
    if not _fresh_look(now).exists():
        return look(now=now)
    catalogue, ended = current_catalogue(), dict(_failing_parts().values_list("object", "words"))
    models = sorted((contract.model for contract in catalogue.on_offer(now)), reverse=True)
    return [
        Sight(API, ""),
        Sight(WORKERS, ended.get(WORKERS, "")),
        *(
            Sight(model, PAUSED if catalogue.stop_of(model) else ended.get(model, ""))
            for model in models
        ),
    ]


def _fresh_look(now: datetime) -> QuerySet[ConditionLook]:
    return ConditionLook.objects.filter(looked_at__gte=now - LOOK_FRESH_FOR)


def _failing_parts() -> QuerySet[Condition]:
    return Condition.objects.filter(kind=PART_FAILS, resolved_at=None)


def _trouble(catalogue: Catalogue, model: str, failing: Collection[str]) -> str:
    if catalogue.stop_of(model):
        return PAUSED
    if not catalogue.routes_for(model, livemode=True):
        return "No channel serves it"
    return "Most requests fail" if model in failing else ""


def _failing_models(now: datetime) -> set[str]:
    """Models whose recent requests mostly failed, through no fault of their callers."""
    rows = all_rows(
        """
        SELECT model, count(*) FILTER (WHERE state = 'succeeded'),
               count(*) FILTER (WHERE state = 'failed' AND (error ->> 'status')::int >= 500)
          FROM (SELECT model, state, error FROM generation_generation
                 WHERE id >= %s AND finished_at >= %s AND livemode
                 ORDER BY id DESC LIMIT %s) AS lately
         GROUP BY model
        """,
        [ids.first_at(now - LONGEST_GENERATION), now - RECENT_PERIOD, MAX_ENDED],
    )
    return {model for model, good, failed in rows if mostly_fails(good, good + failed)}


def look_and_count(*, now: datetime) -> None:
    """Look, and count it; a look that finds no database is counted once it is back.

    If no web process is found, look again for as long as a live one may be out of sight.
    """
    sure_at = time.monotonic() + SURE_AFTER_SECONDS
    try:
        sights = look(now=now)
        while Sight(API, NO_WEB_PROCESS) in sights and time.monotonic() < sure_at:
            time.sleep(AGAIN_SECONDS)
            sights = look(now=now)
    except (OperationalError, InterfaceError):
        _unwritten.append(now)
        raise
    missed = list(_unwritten)
    with transaction.atomic():
        for at in missed:
            _count([Sight(sight.part, NO_DATABASE) for sight in sights], at)
        _count(sights, now)
        oldest = now.astimezone(UTC).date() - timedelta(days=SHOWN_DAYS - 1)
        WatchedDay.objects.filter(day__lt=oldest).delete()
    for _ in missed:
        _unwritten.popleft()


def _count(sights: Iterable[Sight], at: datetime) -> None:
    day = at.astimezone(UTC).date()
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO generation_watchedday AS had
                   (part, day, looks, failed, looked_at, first_failed_at, last_failed_at, trouble)
            SELECT part, day, 1, ill::int, at, CASE WHEN ill THEN at END, CASE WHEN ill THEN at END,
                   trouble
              FROM (VALUES (%s, %s::date, %s::timestamptz, %s::boolean, %s))
                   AS seen (part, day, at, ill, trouble)
            ON CONFLICT (part, day) DO UPDATE
               SET looks = had.looks + 1, failed = had.failed + excluded.failed,
                   looked_at = excluded.looked_at,
                   first_failed_at = COALESCE(had.first_failed_at, excluded.first_failed_at),
                   last_failed_at = COALESCE(excluded.last_failed_at, had.last_failed_at),
                   trouble = CASE excluded.failed WHEN 0 THEN had.trouble ELSE excluded.trouble END
             WHERE had.looked_at <= excluded.looked_at - make_interval(secs => %s)
            """,
            [
                (
                    sight.part,
                    day,
                    at,
                    bool(sight.trouble),
                    sight.trouble,
                    LEAST_BETWEEN_LOOKS_SECONDS,
                )
                for sight in sights
            ],
        )


def troubles(*, now: datetime) -> Sequence[Sight]:
    """Ongoing incidents and maintenance by title, then parts that do not work, as `sights` has it.

    Only a fresh look counts. It is one read, since every page that warns makes it.
    """
    begun = Incident.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), begins_at__lte=now)
    failing = _failing_parts().filter(Exists(_fresh_look(now)))
    failed_parts = failing.values_list(Value(1), "object", "words")
    parts = begun.values_list(Value(0), "title", "state").union(failed_parts, all=True)
    return [
        Sight(name, trouble if is_seen else _state_label(trouble))
        for is_seen, name, trouble in sorted(parts)
    ]


def _state_label(state: str) -> str:
    """The label of a state that has begun; maintenance stays stored as scheduled."""
    found = Incident.State(state)
    return "Maintenance" if found == Incident.State.SCHEDULED else found.label


def history(*, now: datetime) -> Sequence[WatchedDay]:
    """Every part's watched days, the oldest first."""
    oldest = now.astimezone(UTC).date() - timedelta(days=SHOWN_DAYS - 1)
    return list(WatchedDay.objects.filter(day__gte=oldest).order_by("day", "part"))
