"""The open breakers of all image workers, in one table.

Workers read it as they renew their lease. While another channel can serve, one call per pause
probes a channel, in all workers together (ADR 0009).
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from generation.models import OpenBreaker
from pictor.kit.database.cursors import all_rows, first_row, run

KEPT = timedelta(days=1)
OPEN_NOW = """
SELECT b.channel_id, b.reset_count, b.model, c.name, b.pause,
       extract(epoch FROM b.until - clock_timestamp())::float8 AS seconds
  FROM generation_openbreaker AS b
  JOIN generation_channel AS c ON c.id = b.channel_id AND c.reset_count = b.reset_count
"""
_WRITE = """
WITH t AS (SELECT * FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::float8[])
                      AS t (channel_id, reset_count, model, pause)),
     closed AS (DELETE FROM generation_openbreaker AS b USING t
                 WHERE (b.channel_id, b.reset_count, b.model)
                     = (t.channel_id, t.reset_count, t.model) AND t.pause = 0)
INSERT INTO generation_openbreaker AS b (channel_id, reset_count, model, pause, until)
SELECT t.*, clock_timestamp() + make_interval(secs => t.pause)
  FROM t JOIN generation_channel AS c ON c.id = t.channel_id
 WHERE t.pause > 0 ORDER BY t.channel_id, t.reset_count, t.model
    ON CONFLICT (channel_id, reset_count, model) DO UPDATE
   SET pause = greatest(b.pause, excluded.pause), until = greatest(b.until, excluded.until)
"""
# The row's own time is compared again after another worker's UPDATE was waited for.
_WIN = """
UPDATE generation_openbreaker SET until = statement_timestamp() + make_interval(secs => pause)
 WHERE channel_id = %(channel)s AND reset_count = %(resets)s AND model = ANY(%(models)s)
   AND until <= clock_timestamp()
   AND NOT EXISTS (SELECT FROM generation_openbreaker AS other
                    WHERE other.channel_id = %(channel)s AND other.reset_count = %(resets)s
                      AND other.model = ANY(%(models)s) AND other.until > clock_timestamp())
RETURNING statement_timestamp()
"""
# A row that was written meanwhile has another time, or another pause.
_GIVE_BACK = """
UPDATE generation_openbreaker SET until = clock_timestamp()
 WHERE channel_id = %(channel)s AND reset_count = %(resets)s AND model = ANY(%(models)s)
   AND until = %(at)s + make_interval(secs => pause)
"""


class BreakerKey(NamedTuple):
    """A breaker of a channel since its last reset: of one model or, if that is '', of all."""

    channel_id: int
    reset_count: int
    model: str


class BreakerPause(NamedTuple):
    """An open breaker: its channel, and the seconds between its probes and until the next."""

    key: BreakerKey
    channel: str
    pause: float
    seconds: float


class WonProbe(NamedTuple):
    """The right to send the probe of these breakers of one channel, and when it was won."""

    keys: Collection[BreakerKey]
    at: datetime


def pauses(rows: Iterable[tuple[int, int, str, str, float, float]]) -> list[BreakerPause]:
    """The rows of OPEN_NOW."""
    return [BreakerPause(BreakerKey(*row[:3]), *row[3:]) for row in rows]


def open_now() -> list[BreakerPause]:
    """The open breakers."""
    return pauses(all_rows(OPEN_NOW))


def write(changed: Mapping[BreakerKey, float]) -> None:
    """Write breakers that opened, each with its pause, or closed (0), in one statement."""
    columns = zip(*((*key, pause) for key, pause in changed.items()), strict=True)
    run(_WRITE, list(map(list, columns)))


def win(keys: Collection[BreakerKey]) -> WonProbe | None:
    """The probe of these breakers of one channel, for one worker per pause."""
    won = first_row(_WIN, _rows_of(keys))
    return None if won is None else WonProbe(keys, won[0])


def give_back(probe: WonProbe) -> None:
    """Let the next call of any worker win a probe that was not sent. Safe to repeat."""
    run(_GIVE_BACK, {**_rows_of(probe.keys), "at": probe.at})


def _rows_of(keys: Collection[BreakerKey]) -> Mapping[str, Any]:
    channel, resets, _ = next(iter(keys))
    return {"channel": channel, "resets": resets, "models": [key.model for key in keys]}


def forget_old(*, now: datetime) -> None:
    """Delete those that nobody has probed for a day. Safe to run twice at once."""
    OpenBreaker.objects.filter(until__lt=now - KEPT).delete()
