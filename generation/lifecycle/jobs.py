"""The orders at a vendor that an open attempt waits for: they survive its worker (ADR 0068).

Each is written before the first look at it, beside the vendor's id, by which bills are matched. The
next claim moves the attempt to its own dispatch and follows them. A worker of an earlier dispatch
adds none any more.
"""

import json
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from generation.lifecycle.claims import Claim
from generation.models import Attempt
from pictor.kit.database import model_rows
from pictor.kit.database.prepared import Statement
from pictor.kit.words.untyped import Json, Row

MAX_JOBS_BYTES = 8192
_WRITE_JOB = f"""
UPDATE generation_attempt AS a
SET jobs = CASE WHEN a.jobs @> job.row THEN a.jobs ELSE coalesce(a.jobs, '[]') || job.row END,
    upstream_request_id =
        coalesce(nullif(a.upstream_request_id, ''), left(job.row #>> '{{0,id}}', 200))
FROM (SELECT %s::jsonb AS row) AS job
WHERE a.id = %s AND a.dispatch = %s AND a.finished_at IS NULL
  AND octet_length((coalesce(a.jobs, '[]') || job.row)::text) <= {MAX_JOBS_BYTES}
RETURNING 1
"""  # noqa: S608 - built from constants
_MAY_CANCEL = """
SELECT 1 FROM generation_attempt AS a JOIN generation_generation AS g ON g.id = a.generation_id
WHERE a.id = %s AND (g.finished_at IS NOT NULL
  OR a.dispatch = %s AND a.finished_at IS NULL AND g.state = 'running' AND g.dispatch = a.dispatch)
"""
# Its number is free in the new dispatch, which has begun no attempt yet.
_TAKE_OVER = f"""
UPDATE generation_attempt AS a SET dispatch = g.dispatch
FROM generation_generation AS g
WHERE a.generation_id = %s AND a.finished_at IS NULL AND a.jobs IS NOT NULL
  AND g.id = a.generation_id AND g.state = 'running' AND g.dispatch = %s
RETURNING extract(epoch FROM clock_timestamp() - a.started_at)::float8, EXISTS (
    SELECT FROM generation_attempt AS other
    WHERE other.generation_id = a.generation_id AND other.id <> a.id
      AND (other.may_have_billed OR other.finished_at IS NULL)), {model_rows.columns(Attempt, "a")}
"""  # noqa: S608 - as above


class TakenOver(NamedTuple):
    """An open attempt with jobs, now of the present dispatch."""

    attempt: Attempt
    jobs: Sequence[Json]
    seconds: float
    """Since its beginning, by the database's clock."""
    may_be_paid_besides: bool
    """True if another attempt of the generation may have been paid for."""


def write_job_statement(attempt_id: UUID, *, dispatch: int, job: Json) -> Statement[bool]:
    """The statement that adds a job to its attempt, with the request id. Safe to repeat.

    False if the attempt is closed or of a later dispatch, or if its jobs together have more than
    MAX_JOBS_BYTES.
    """
    values = [json.dumps([job]), attempt_id, dispatch]
    return Statement(_WRITE_JOB, values, lambda row: row is not None)


def left_running() -> QuerySet[Attempt]:
    """Attempts whose jobs a vendor still works on, although their generation has ended."""
    left = Attempt.objects.filter(
        jobs__isnull=False, finished_at=None, generation__finished_at__isnull=False
    )
    return left.select_related("generation", "channel").order_by("generation_id")


def may_cancel_statement(attempt_id: UUID, *, dispatch: int) -> Statement[bool]:
    """The statement that tells if nobody but that dispatch may follow an attempt's orders.

    It holds the claim and the open attempt, or their generation has ended: then a reaper cancels
    those that were written, and an order may be cancelled twice.
    """
    return Statement(_MAY_CANCEL, [attempt_id, dispatch], lambda row: row is not None)


def take_over_statement(claim: Claim) -> Statement[TakenOver | None]:
    """The statement that moves an open attempt with jobs to this claim, if there is one.

    Safe to repeat.
    """
    return Statement(_TAKE_OVER, [claim.generation.id, claim.dispatch], partial(_taken_over, claim))


def _taken_over(claim: Claim, row: Row | None) -> TakenOver | None:
    if row is None:
        return None
    seconds, may_be_paid_besides, *values = row
    attempt = model_rows.read(Attempt, values)
    attempt.generation = claim.generation
    return TakenOver(attempt, attempt.jobs or [], seconds, may_be_paid_besides)
