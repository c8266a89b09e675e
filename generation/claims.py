"""Who may work on a generation: the claim, the worker's lease, and conditional writes.

A message may be delivered twice or never; only the claim decides. It raises the generation's
dispatch number, and every later write is conditional on (id, running, dispatch number): a worker
that lost its lease, however alive it looks, changes nothing. Every comparison of times uses the
database's clock.
"""

import os
import socket
from dataclasses import dataclass
from datetime import datetime
from typing import NewType
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from billing import services as billing
from generation.channels.base import AttemptClass
from generation.models import Attempt, Generation, Route, State, Worker
from pictor.kit import ids
from pictor.kit.money import Micros

WorkerEpoch = NewType("WorkerEpoch", UUID)


@dataclass(frozen=True, slots=True)
class Claim:
    """A generation in our hands: its row as claimed, seconds left, the configuration's revision."""

    generation: Generation
    dispatch: int
    seconds_left: float
    revision: int


_TAKE = """
UPDATE generation_generation AS g
SET state = 'running', worker_id = w.epoch, dispatch = g.dispatch + 1,
    started_at = coalesce(g.started_at, clock_timestamp())
FROM generation_worker AS w
WHERE g.id = %s AND g.state = 'queued' AND g.dispatch < %s AND g.deadline_at > clock_timestamp()
  AND w.epoch = %s AND w.stopped_at IS NULL
  AND w.seen_at > clock_timestamp() - make_interval(secs => %s)
RETURNING g.dispatch, extract(epoch FROM g.deadline_at - clock_timestamp())::float8,
          (SELECT revision FROM accounts_configrevision)
"""


def take(*, generation_id: UUID, worker: WorkerEpoch) -> Claim | None:
    """Claim a queued generation under this worker's lease; None when it is not to be had."""
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE, [generation_id, settings.MAX_DISPATCHES, worker, settings.LEASE_SECONDS]
        )
        row = cursor.fetchone()
    if row is None:
        return None
    dispatch, seconds_left, revision = row
    generation = Generation.objects.get(id=generation_id)
    return Claim(generation, dispatch, seconds_left, revision)


def held_by(claim: Claim) -> dict[str, object]:
    """The condition of every write: still running, under the same dispatch number."""
    return {
        "id": claim.generation.id,
        "state": State.RUNNING,
        "dispatch": claim.dispatch,
    }


_BEGIN_ATTEMPT = """
INSERT INTO generation_attempt
    (id, generation_id, dispatch, number, channel_id, upstream_model, upstream_size,
     attempt_class, upstream_request_id, may_have_billed, cost_micros, detail)
SELECT %s, g.id, g.dispatch, %s, %s, %s, %s, '', '', false, 0, ''
FROM generation_generation AS g
WHERE g.id = %s AND g.state = 'running' AND g.dispatch = %s
RETURNING id
"""


def begin_attempt(
    *, claim: Claim, number: int, channel_id: int, upstream_model: str, upstream_size: str
) -> UUID | None:
    """Write down that a channel is about to be called; None when the claim is lost."""
    with connection.cursor() as cursor:
        cursor.execute(
            _BEGIN_ATTEMPT,
            [
                ids.new_uuid(),
                number,
                channel_id,
                upstream_model,
                upstream_size,
                claim.generation.id,
                claim.dispatch,
            ],
        )
        row = cursor.fetchone()
    return row[0] if row else None


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How an attempt ended: its class, the upstream's status and request id, and its cost."""

    attempt_id: UUID
    attempt_class: str
    http_status: int | None = None
    upstream_request_id: str = ""
    may_have_billed: bool = False
    cost_micros: int = 0
    detail: str = ""


@transaction.atomic
def end_attempt(end: AttemptEnd, *, generation_id: UUID, now: datetime) -> None:
    """Close an attempt's row and book its cost, as a loss where it delivered nothing to charge for.

    A fact about a call that was made, so it needs no claim. Once only: a closed row is left alone.
    """
    is_closed = not Attempt.objects.filter(id=end.attempt_id, finished_at=None).update(
        finished_at=now,
        attempt_class=end.attempt_class,
        http_status=end.http_status,
        upstream_request_id=end.upstream_request_id[:200],
        may_have_billed=end.may_have_billed,
        cost_micros=end.cost_micros,
        detail=end.detail[:500],
    )
    if not is_closed:
        billing.book_upstream_cost(
            generation_id=generation_id,
            attempt_id=end.attempt_id,
            amount=Micros(end.cost_micros),
            as_loss=end.attempt_class != AttemptClass.DELIVERED,
        )


def cut_off(*, generation_ids: list[UUID], now: datetime) -> None:
    """Close the attempts that a crash of ours cut off: they may have been paid for.

    One of the present dispatch is left alone: somebody has claimed the generation again meanwhile.
    """
    attempts = Attempt.objects.filter(generation_id__in=generation_ids, finished_at=None).exclude(
        generation__state=State.RUNNING, dispatch=F("generation__dispatch")
    )
    for attempt in attempts.select_related("generation"):
        end = AttemptEnd(
            attempt_id=attempt.id,
            attempt_class=AttemptClass.UNKNOWN,
            may_have_billed=True,
            cost_micros=_possible_cost(attempt),
            detail="cut off by the end of our own process",
        )
        end_attempt(end, generation_id=attempt.generation_id, now=now)


def _possible_cost(attempt: Attempt) -> int:
    """What the upstream may charge for the call, where its price is known."""
    generation = attempt.generation
    routes = Route.objects.filter(channel_id=attempt.channel_id, contract_id=generation.model)
    each = routes.values_list("cost_micros", flat=True).first()
    return (each or 0) * generation.n


def hand_back(*, worker: WorkerEpoch) -> list[UUID]:
    """Queue again whatever this worker still has in hand; returns the ids to ring for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_generation SET state = 'queued', worker_id = NULL,"
            " rung_at = clock_timestamp(), rings = 1"
            " WHERE worker_id = %s AND state = 'running' RETURNING id",
            [worker],
        )
        return [row[0] for row in cursor.fetchall()]


# --- the lease --------------------------------------------------------------------------------


def enlist() -> WorkerEpoch:
    """A new life of this process: a row with a fresh epoch."""
    worker = Worker.objects.create(epoch=ids.new_uuid(), host=socket.gethostname(), pid=os.getpid())
    return WorkerEpoch(worker.epoch)


def renew(*, worker: WorkerEpoch) -> None:
    """Say that we are alive.

    Also after the lease had run out: what others took from us meanwhile has another dispatch
    number, so nothing we still write can touch it, and what they left is ours to finish.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_worker SET seen_at = clock_timestamp()"
            " WHERE epoch = %s AND stopped_at IS NULL",
            [worker],
        )


def retire(*, worker: WorkerEpoch) -> None:
    """End the lease at once: nothing is claimed under this epoch any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_worker SET stopped_at = clock_timestamp() WHERE epoch = %s",
            [worker],
        )


def waiting(*, longer_than_seconds: float, limit: int) -> list[UUID]:
    """Generations queued for so long, oldest first: nobody heard their doorbell, or nobody came."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM generation_generation WHERE state = 'queued'"
            " AND rung_at < clock_timestamp() - make_interval(secs => %s)"
            " AND deadline_at > clock_timestamp() ORDER BY id LIMIT %s",
            [longer_than_seconds, limit],
        )
        return [row[0] for row in cursor.fetchall()]
