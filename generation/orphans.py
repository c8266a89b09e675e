"""The retry shield: a request sent again finds the generation whose answer never arrived.

SDKs repeat a call after a time-out or a lost connection, with a retry count and without an
idempotency key. The image may be under way by then, or paid. So every generation without a key says
which web process has its caller, until that caller has the whole answer. It is an orphan when the
caller's connection ended before, or when that process died; then a retry with the same API key and
the same body takes it over, once, by compare-and-set. Two orders whose callers both wait, or both
have their answers, never meet here.

A web process holds an advisory lock on its number for as long as it lives. PostgreSQL lets go of it
the moment the process is gone, on whatever machine, so nobody waits for a heartbeat to be missed.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from generation.models import Generation

REMEMBERED = timedelta(minutes=15)
"""Retries find generations admitted at most so long ago."""
AFTER_DATABASE_START = timedelta(seconds=10)
"""A restarted database has forgotten the locks: so long do processes have to take them again."""


@dataclass(eq=False, slots=True)
class WebProcess:
    """One life of a web process. A new number is none's before.

    Attributes:
        gone: generations, admitted or about to be, whose callers left a moment ago: orphans that
            the database may not know of yet.
    """

    number: int = field(default_factory=lambda: secrets.randbits(62))
    gone: set[UUID] = field(default_factory=set)


@dataclass(eq=False, slots=True)
class Attendance:
    """One caller without an answer, as the process that serves them knows it.

    The event loop sets `is_gone` and then looks at `is_admitted`; the admission's thread does it
    the other way round. So one of the two writes the orphan down.
    """

    process: WebProcess
    generation_id: UUID
    is_admitted: bool = False
    is_gone: bool = False


def take_presence(web_process: int) -> None:
    """Lock the process's number on this thread's connection, for as long as that lasts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [web_process])


def confirm_presence() -> None:
    """Use the connection that holds the lock. Raises DatabaseError when both are gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


_ADOPT = """
UPDATE generation_generation SET web_process = %s, orphaned_at = NULL
WHERE id = (
    SELECT id FROM generation_generation
    WHERE api_key_id = %s AND body_digest = %s AND created_at > %s
      AND state IN ('queued', 'running', 'succeeded')
      AND (web_process IS NOT NULL OR orphaned_at IS NOT NULL)
      AND CASE WHEN orphaned_at IS NOT NULL OR id = ANY(%s) THEN true
               WHEN pg_postmaster_start_time() > %s THEN false
               ELSE pg_try_advisory_xact_lock_shared(web_process) END
    ORDER BY id LIMIT 1 FOR UPDATE)
RETURNING id
"""


def adopt(*, key_id: UUID, body_digest: bytes, by: WebProcess, now: datetime) -> UUID | None:
    """Take over the oldest orphan of this key and body for a caller of this process.

    Failed and canceled ones cost nothing, so what they were for may as well be tried afresh.
    """
    oldest, settled = now - REMEMBERED, now - AFTER_DATABASE_START
    with connection.cursor() as cursor:
        cursor.execute(_ADOPT, [by.number, key_id, body_digest, oldest, list(by.gone), settled])
        row = cursor.fetchone()
    if row is None:
        return None
    by.gone.discard(row[0])
    return UUID(str(row[0]))


def attend(attendance: Attendance, generation_id: UUID) -> None:
    """The caller waits for this committed generation, unless they are gone already."""
    attendance.generation_id = generation_id
    attendance.is_admitted = True
    if attendance.is_gone:
        left([generation_id])
        attendance.process.gone.discard(generation_id)


def left(generation_ids: Collection[UUID]) -> None:
    """The callers' connections ended without an answer."""
    waited_for = Generation.objects.filter(id__in=generation_ids, web_process__isnull=False)
    waited_for.update(web_process=None, orphaned_at=Now())


def answered(generation_ids: Collection[UUID]) -> None:
    """The callers have their answers: nobody may take these over any more."""
    Generation.objects.filter(id__in=generation_ids).update(web_process=None, orphaned_at=None)
