"""The retry shield: a request sent again finds the generation whose answer never arrived.

SDKs repeat a call after a time-out or a lost connection, with a retry count and without an
idempotency key. The image may be under way by then, or paid. So every generation without a key
names the web process of its caller until that caller has the whole answer. It is an orphan if the
caller's connection ended before, or if that process died; then a retry with the same API key and
the same body takes it over, once, by compare-and-set. Two orders whose callers both wait, or both
have their answers, never meet here.

A web process holds an advisory lock on its number for as long as it lives. PostgreSQL releases it
when the connection ends: at once when the process dies, after TCP keep-alives when its machine
vanishes. A live process whose connection was cut takes the lock again within two seconds, so a
number whose lock stays free for four belongs to a dead one.
"""

import logging
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from generation.models import Generation
from pictor.kit.database import prepared
from pictor.kit.database.cursors import first_row, run
from pictor.kit.database.errors import is_locked
from pictor.kit.database.lock_numbers import AFTER_0_2, WEB_PROCESSES
from pictor.kit.database.prepared import Statement, unread
from pictor.kit.words.errors import Unavailable

logger = logging.getLogger(__name__)

ORPHANS_REMEMBERED_FOR = timedelta(minutes=15)
"""Retries find generations admitted within this time."""
DEAD_AFTER_SECONDS = 4.0
"""A process whose lock has been free for this long is dead; a live one needs half the time."""
LOOKS_SECONDS = 3.0
"""Looks at a lock prove nothing about the time between if they are further apart than this."""


class InDoubt(Unavailable):
    """The database went away during an admission, perhaps after its commit."""

    def __init__(self) -> None:
        super().__init__(
            "The database became unavailable while this request was being accepted. If generation"
            " began, it goes on: check GET /v1/images/generations before you repeat the request"
            " yourself."
        )


class Undecided(Exception):
    """A process may be dead or cut off for a moment, or an orphan's row is locked: look again."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The number of a caller's turn to wait, from 0; a retry that takes over has the next."""

    generation_id: UUID
    number: int = 0


@dataclass(frozen=True, slots=True)
class Free:
    """The first and last look (monotonic) of a series that found a lock free."""

    since: float
    seen_at: float

    def seen_again(self, now: float) -> "Free":
        """Add a look that found it free; after too long without one, the series starts again."""
        return Free(self.since if now - self.seen_at <= LOOKS_SECONDS else now, now)

    def is_proof(self, now: float) -> bool:
        """True if the process is dead."""
        return self.seen_again(now).since <= now - DEAD_AFTER_SECONDS


@dataclass(eq=False, slots=True)
class WebProcess:
    """One life of a web process, with a number that no other ever had.

    Attributes:
        gone: turns of callers who left a moment ago, admitted or about to be: their generations
            are orphans that the database may not know yet.
        free: numbers of other processes whose locks were free at every look.
    """

    number: int = field(default_factory=lambda: WEB_PROCESSES + secrets.randbits(62))
    gone: set[Turn] = field(default_factory=set)
    free: dict[int, Free] = field(default_factory=dict)

    def dead(self, now: float) -> list[int]:
        """The numbers whose locks have been free for long enough."""
        seen = list(self.free.items())  # a copy: `looked` changes it in other threads
        return [number for number, free in seen if free.is_proof(now)]

    def looked(self, *, taken: Collection[int], free: Collection[int], now: float) -> None:
        """Remember the state of other processes' locks."""
        for number in taken:
            self.free.pop(number, None)
        for number in free:
            self.free[number] = self.free.get(number, Free(now, now)).seen_again(now)


@dataclass(eq=False, slots=True)
class Attendance:
    """One caller without an answer, as their web process knows it.

    The end sets `is_gone` and then reads `is_admitted`; the admission, perhaps in a thread, does it
    the other way round. So one of the two records the orphan.

    Attributes:
        is_in_doubt: the database went away during the admission, which perhaps succeeded although
            the caller gets no image; or while their departure was recorded.
    """

    process: WebProcess
    turn: Turn
    is_admitted: bool = False
    is_gone: bool = False
    is_in_doubt: bool = False


def take_presence(number: int) -> None:
    """Lock a process's number, and share its release's, for this thread's connection's life."""
    # A session's lock: a pooler that shares sessions would break it (ADR 0010).
    run("SELECT pg_advisory_lock_shared(%s), pg_advisory_lock(%s)", [AFTER_0_2, number])


def present() -> int:
    """The number of web processes that hold their locks.

    `classid` is the upper half of a lock's number.
    """
    (count,) = first_row(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
        " AND granted AND mode = 'ExclusiveLock' AND classid::bigint << 32 >= %s"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        [WEB_PROCESSES],
    )
    return int(count)


def confirm_presence() -> None:
    """Use the connection that holds the lock. Raises DatabaseError if both are gone."""
    run("SELECT 1")


# Failed and canceled ones are not taken over: they cost nothing, and the retry starts again.
_UNANSWERED = """
    FROM generation_generation
    WHERE api_key_id = %s AND body_digest = %s AND created_at > %s
      AND state IN ('queued', 'running', 'succeeded')
      AND (web_process IS NOT NULL OR orphaned_at IS NOT NULL)
"""
# CASE fixes the order: only the lock of a process that may be dead is tried. NOWAIT, because an
# admission may have the balance's lock here, which a settlement takes after the row's; SKIP LOCKED
# would find no orphan, and money would be held a second time.
_ADOPT = f"""
UPDATE generation_generation SET web_process = %s, orphaned_at = NULL, turn = turn + 1
WHERE id = (
    SELECT id {_UNANSWERED}
      AND CASE WHEN orphaned_at IS NOT NULL THEN true
               WHEN (id, turn) IN (SELECT * FROM unnest(%s::uuid[], %s::int[])) THEN true
               WHEN web_process = ANY(%s) THEN pg_try_advisory_xact_lock_shared(web_process)
               ELSE false END
    ORDER BY id LIMIT 1 FOR NO KEY UPDATE NOWAIT)
RETURNING id, turn
"""  # noqa: S608 - our own text
_WAITED_FOR_BY = f"SELECT DISTINCT web_process {_UNANSWERED} AND web_process <> %s"


def adopt(*, key_id: UUID, body_digest: bytes, by: WebProcess, now: datetime) -> Turn | None:
    """Take over the oldest orphan of this key and body for a caller of this process.

    Raises Undecided while another process may be dead, or if the orphan's row is locked.
    """
    wanted = (key_id, body_digest, now - ORPHANS_REMEMBERED_FOR)
    # One copy for both columns, since the loop changes the set meanwhile.
    gone, dead = _columns(list(by.gone)), by.dead(time.monotonic())
    with connection.cursor() as cursor:
        try:
            cursor.execute(_ADOPT, (by.number, *wanted, *gone, dead))
        except OperationalError as error:
            if not is_locked(error):
                raise
            raise Undecided from None
        row = cursor.fetchone()
        if row is not None:
            turn = Turn(*row)
            # It is taken over: the earlier caller's departure no longer makes it an orphan.
            by.gone.discard(Turn(turn.generation_id, turn.number - 1))
            return turn
        # This process is alive, and knows of its own callers' departures.
        cursor.execute(_WAITED_FOR_BY, (*wanted, by.number))
        others = [number for (number,) in cursor.fetchall()]
        free = [number for number in others if _is_free(number)]
    by.looked(taken=set(others).difference(free), free=free, now=time.monotonic())
    if free:
        raise Undecided
    return None


def _is_free(number: int) -> bool:
    # Shared, so that two retries that look at once do not take each other for that process.
    row = first_row("SELECT pg_try_advisory_xact_lock_shared(%s)", [number])
    return bool(row and row[0])


def check_waits(attendance: Attendance | None) -> None:
    """Raise Unavailable if the caller has left; call it right before money is held.

    A caller who left may repeat the request and find nothing while this one is delayed. Then money
    would be held for both.
    """
    if attendance is not None and attendance.is_gone:
        raise Unavailable(
            "The connection ended before this request was accepted. Nothing was charged."
        )


def attend(attendance: Attendance, turn: Turn) -> bool:
    """Let the caller wait for this committed generation; True if they have already left."""
    attendance.turn = turn
    attendance.is_admitted = True
    return attendance.is_gone


def record_departure(attendance: Attendance) -> None:
    """Record a caller who left while the generation was committed."""
    try:
        record_left([attendance.turn])
    except (DatabaseError, InterfaceError) as error:
        logger.warning("a departure could not be recorded, and will be in a minute: %s", error)
        attendance.is_in_doubt = True
    else:
        attendance.process.gone.discard(attendance.turn)


def record_left(turns: Collection[Turn]) -> None:
    """Record callers who left without an answer. A finished turn changes nothing."""
    prepared.fetch(_end_statement(turns, is_orphan=True))


def answered_statement(turns: Collection[Turn]) -> Statement[None]:
    """The statement that records callers who have their answers: no retry takes these over."""
    return _end_statement(turns, is_orphan=False)


_END = """
UPDATE generation_generation AS g
SET web_process = NULL, orphaned_at = CASE WHEN %s THEN clock_timestamp() END
FROM (
    SELECT id FROM generation_generation JOIN unnest(%s::uuid[], %s::int[]) AS t(id, turn)
           USING (id, turn)
    WHERE web_process IS NOT NULL ORDER BY id FOR NO KEY UPDATE OF generation_generation) AS ended
WHERE g.id = ended.id
RETURNING 1
"""


def _end_statement(turns: Collection[Turn], *, is_orphan: bool) -> Statement[None]:
    return Statement(_END, (is_orphan, *_columns(turns)), unread)


def _columns(turns: Collection[Turn]) -> tuple[list[UUID], list[int]]:
    return [turn.generation_id for turn in turns], [turn.number for turn in turns]


def forget_old(*, now: datetime) -> int:
    """Clear marks that retries can no longer find; returns their number.

    No caller waits that long.
    """
    marked = Generation.objects.exclude(web_process=None, orphaned_at=None)
    return marked.filter(created_at__lte=now - ORPHANS_REMEMBERED_FOR).update(
        web_process=None, orphaned_at=None
    )
