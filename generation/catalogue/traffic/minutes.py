"""Results of calls to channels by the minute, counted from the attempts.

The attempts have no index for it, so that no request pays for one. They are found by their ids,
which are in the order of their beginnings: each minute the recent ones, and once an hour all of 48
hours, so that one that ended long after it began is counted too (docs/adr/0050).
"""

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max

from billing.latency import BOUNDS, quantile
from generation.catalogue.traffic import OF_MODE, Mode
from generation.channels.errors import AttemptClass
from generation.models import AttemptMinute, Channel
from pictor.kit.database.cursors import all_rows, run
from pictor.kit.words import ids

MINUTES_KEPT = timedelta(hours=48)
NEARLY_EVERY_CALL = timedelta(minutes=15)
"""Nearly every call ends within it: a generation has 8 minutes, and taking it back one more."""
RECOUNTED_PERIOD = timedelta(minutes=5)
"""The last minutes are counted again each time: a call that ended then may commit only now."""
WHOLE_EVERY = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SHOWN_MINUTES = 30
"""Minutes shown as the present."""
RECENT_PERIOD = timedelta(minutes=10)

DELIVERED_CLASSES = frozenset({AttemptClass.DELIVERED, AttemptClass.STORAGE_FAILED})
"""The channel brought images, though we may not have been able to store them."""
FAILED_CLASSES = frozenset(
    {
        *(AttemptClass.NOT_REACHED, AttemptClass.REFUSED),
        *(AttemptClass.UNKNOWN, AttemptClass.BAD_RESULT),
    }
)
"""Classes that speak against the channel. The other failures are about the request."""

_ENDED = """
SELECT minute, channel_id, model, attempt_class, SUM(number)::bigint,
       jsonb_object_agg(bucket, number)
  FROM (SELECT date_trunc('minute', a.finished_at) AS minute, a.channel_id, g.model,
               a.attempt_class, COUNT(*) AS number,
               width_bucket((EXTRACT(EPOCH FROM a.finished_at - a.started_at) * 1000000)::bigint,
                            %s::bigint[]) AS bucket
          FROM generation_attempt AS a JOIN generation_generation AS g ON g.id = a.generation_id
         WHERE a.id >= %s AND a.finished_at >= %s AND {which}
         GROUP BY 1, 2, 3, 4, bucket) AS ended
 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
# A number never falls, so of two processes counting at once the later cannot put it back.
_COUNT = f"""
INSERT INTO generation_attemptminute AS had
       (minute, channel_id, model, attempt_class, number, latency)
{_ENDED.format(which=OF_MODE["live"])}
ON CONFLICT (minute, channel_id, model, attempt_class) DO UPDATE
   SET number = excluded.number, latency = excluded.latency WHERE had.number < excluded.number
"""  # noqa: S608 - built from constants


class Counting:
    """One process's progress in counting. Several processes may count the same calls."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._until: datetime | None = None
        self._whole_at: datetime | None = None

    def count(self, *, now: datetime) -> None:
        """Count calls ended since the last time, and a little before; delete old rows.

        Does nothing while another thread counts.
        """
        if not self._turn.acquire(blocking=False):
            return
        try:
            self._count(now)
        finally:
            self._turn.release()

    def _count(self, now: datetime) -> None:
        oldest = _minute(now - MINUTES_KEPT)
        is_whole = self._whole_at is None or self._whole_at <= now - WHOLE_EVERY
        since = oldest if is_whole or self._until is None else self._until - RECOUNTED_PERIOD
        _count(max(oldest, _minute(since)))
        AttemptMinute.objects.filter(minute__lt=oldest).delete()
        self._until = now
        self._whole_at = now if is_whole else self._whole_at


@transaction.atomic
def _count(since: datetime) -> None:
    run("SET LOCAL statement_timeout = 0")
    run(_COUNT, [list(BOUNDS), ids.first_at(since - NEARLY_EVERY_CALL), since])


@dataclass(frozen=True, slots=True)
class CallMinute:
    """A minute of a channel's live calls, by class, and the seconds that images took in it."""

    minute: datetime
    classes: Mapping[str, int] = field(default_factory=dict)
    p50: float | None = None
    p95: float | None = None

    @property
    def delivered(self) -> int:
        """Calls that brought images."""
        return sum(number for name, number in self.classes.items() if name in DELIVERED_CLASSES)

    @property
    def failed(self) -> int:
        """Calls that speak against the channel."""
        return sum(number for name, number in self.classes.items() if name in FAILED_CLASSES)

    @property
    def calls(self) -> int:
        """All calls, including those that failed because of the request."""
        return sum(self.classes.values())


@dataclass(frozen=True, slots=True)
class Now:
    """The last 30 whole minutes of a channel, the oldest first, and the seconds over all of them.

    `models` are the numbers of calls by public model; `recent` those of the last ten minutes that
    brought images, and that say anything about the channel.
    """

    cells: list[CallMinute]
    p50: float | None
    p95: float | None
    models: Mapping[str, int]
    recent: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class Success(NamedTuple):
    """A model's calls on a channel, without those that say nothing about the channel."""

    channel_id: int
    model: str
    calls: int
    delivered: int


def now_of(channel: Channel, *, now: datetime, mode: Mode = "live") -> Now:
    """The channel's calls of that mode that ended in the last 30 whole minutes."""
    rows = _recent_minutes(now, mode, [channel.pk])
    return _now(rows, now)


def now_of_each(*, now: datetime, mode: Mode = "live") -> Mapping[int, Now]:
    """Like `now_of`, for every channel by its id, called or not."""
    channels = list(Channel.objects.values_list("pk", flat=True))
    called: dict[int, list[AttemptMinute]] = defaultdict(list)
    for row in _recent_minutes(now, mode, channels):
        called[row.channel_id].append(row)
    return {pk: _now(called[pk], now) for pk in channels}


def recent_success(*, now: datetime) -> list[Success]:
    """Live calls that ended in the last 10 minutes, by channel and model, sandboxes included.

    Failures because of the request are not counted.
    """
    rows = all_rows(
        """
        SELECT channel_id, model, SUM(number)::bigint,
               COALESCE(SUM(number) FILTER (WHERE attempt_class = ANY(%s)), 0)::bigint
          FROM generation_attemptminute WHERE minute >= %s AND attempt_class = ANY(%s)
         GROUP BY channel_id, model ORDER BY channel_id, model
        """,
        [
            list(DELIVERED_CLASSES),
            _minute(now - RECENT_PERIOD),
            list(DELIVERED_CLASSES | FAILED_CLASSES),
        ],
    )
    return [Success(*row) for row in rows]


def last_calls() -> Mapping[str, datetime]:
    """The minute in which a live call last ended, by model, within 48 hours."""
    rows = AttemptMinute.objects.values_list("model").annotate(last=Max("minute")).order_by()
    return dict(rows)


def _recent_minutes(now: datetime, mode: Mode, channels: Sequence[int]) -> list[AttemptMinute]:
    """Rows of the last minutes; tests and demo data are few and are counted on demand."""
    last = _minute(now)
    first = last - SHOWN_MINUTES * MINUTE
    if mode != "live":
        return [row for row in _count_ended(mode, first, last) if row.channel_id in channels]
    counted = AttemptMinute.objects.filter(minute__gte=first, minute__lt=last)
    return list(counted.filter(channel__in=channels))


def _count_ended(mode: Mode, first: datetime, last: datetime) -> list[AttemptMinute]:
    """Count calls of another mode than live in these minutes."""
    since = ids.first_at(first - NEARLY_EVERY_CALL)
    return [
        AttemptMinute(
            minute=minute,
            channel_id=channel_id,
            model=model,
            attempt_class=attempt_class,
            number=number,
            latency=json.loads(latency),
        )
        for minute, channel_id, model, attempt_class, number, latency in all_rows(
            _ENDED.format(which=OF_MODE[mode]), [list(BOUNDS), since, first]
        )
        if minute < last
    ]


def _now(rows: list[AttemptMinute], now: datetime) -> Now:
    by_minute: dict[datetime, list[AttemptMinute]] = defaultdict(list)
    models: Counter[str] = Counter()
    for row in rows:
        by_minute[row.minute].append(row)
        models[row.model] += row.number
    minutes = [_minute(now) - place * MINUTE for place in range(SHOWN_MINUTES, 0, -1)]
    cells = [_cell(minute, by_minute[minute]) for minute in minutes]
    return Now(cells, *_quantiles(rows), dict(models), _recent(rows, now))


def _recent(rows: Iterable[AttemptMinute], now: datetime) -> dict[str, tuple[int, int]]:
    found: dict[str, Counter[bool]] = defaultdict(Counter)
    for row in rows:
        is_recent = row.minute >= _minute(now) - RECENT_PERIOD
        if is_recent and row.attempt_class in DELIVERED_CLASSES | FAILED_CLASSES:
            found[row.model][row.attempt_class in DELIVERED_CLASSES] += row.number
    return {model: (counts[True], counts.total()) for model, counts in found.items()}


def _cell(minute: datetime, rows: list[AttemptMinute]) -> CallMinute:
    classes: Counter[str] = Counter()
    for row in rows:
        classes[row.attempt_class] += row.number
    return CallMinute(minute, dict(classes), *_quantiles(rows))


def _quantiles(rows: Iterable[AttemptMinute]) -> tuple[float | None, float | None]:
    """The seconds within which half and 95 % of the calls that brought images ended."""
    counts: Counter[int] = Counter()
    for row in rows:
        if row.attempt_class == AttemptClass.DELIVERED:
            counts.update({int(bucket): number for bucket, number in row.latency.items()})
    return quantile(counts, 0.5), quantile(counts, 0.95)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
