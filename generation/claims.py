"""Who may work on a generation: the claim, and the condition under which its holder may end it.

What a dead worker had in hand is in quarantine, because one of these may have killed the worker and
would kill the next one: a worker claims them one by one, so that whichever is guilty is alone and
its neighbours are called once more, not twice. A row's `quarantine` is how many were suspected
together with it; 0 is everything else (docs/adr/0012).

A message may be delivered twice or never; only the claim decides. It raises the generation's
dispatch number, and may write down the first attempt in the same statement (attempts.py); beginning
another one and ending the generation are conditional on (id, running, dispatch number). A worker
that lost its claim, however alive it looks, can still close its attempts, which are facts, and
nothing else. Every comparison of times uses the database's clock.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.selectors import REVISION
from generation.lease import WorkerEpoch
from generation.models import Generation, State
from pictor.kit import prepared, rows
from pictor.kit.prepared import Part, Statement
from pictor.kit.untyped import Row


@dataclass(frozen=True, slots=True)
class Claim:
    """A generation in our hands: its row as claimed, seconds left, the configuration's revision."""

    generation: Generation
    dispatch: int
    seconds_left: float
    revision: int
    begun_at: datetime | None = None
    """When its first attempt began, where that is written down already."""

    @property
    def has_begun(self) -> bool:
        """Whether it is."""
        return self.begun_at is not None


class Queued(NamedTuple):
    """A generation that waits to be claimed, and whose slot it would take."""

    generation_id: UUID
    tenant_id: UUID
    livemode: bool


NOT_STOPPED = """
NOT EXISTS (SELECT FROM generation_stop AS s WHERE s.ended_at IS NULL
             AND s.model IN ('', {row}.model)
             AND (s.tenant_id IS NULL OR s.tenant_id = {row}.tenant_id))
"""
"""SQL: no operator has stopped this row's work, which waits to its deadline then."""
CLAIMED = "claimed"
"""The part of a claim's statement that a first attempt reads: the row, and the `revision`."""
_LEFT = "extract(epoch FROM g.deadline_at - clock_timestamp())::float8 AS seconds_left"
_TAKE = f"""
UPDATE generation_generation AS g
SET state = 'running', worker_id = w.epoch, dispatch = g.dispatch + 1,
    started_at = coalesce(g.started_at, clock_timestamp())
FROM generation_worker AS w
WHERE g.id = %s AND g.state = 'queued' AND g.quarantine = 0 AND g.dispatch < %s
  AND g.deadline_at > clock_timestamp()
  AND w.epoch = %s AND w.stopped_at IS NULL
  AND w.seen_at > clock_timestamp() - make_interval(secs => %s)
RETURNING {_LEFT}, {REVISION} AS revision, {rows.columns(Generation, "g")}
"""  # noqa: S608 - built from constants
_TAKEN = Part(f"SELECT {CLAIMED}.*, (SELECT started_at FROM begun) FROM {CLAIMED}", ())  # noqa: S608 - as above


def taken(
    *, generation_id: UUID, worker: WorkerEpoch, beginning: Part | None = None
) -> Statement[Claim | None]:
    """Claim a queued generation under this worker's lease; None when it is not to be had.

    One in quarantine is not: `take_quarantined` claims those.

    Args:
        generation_id: the one.
        worker: whose it will be.
        beginning: the part that writes its first attempt down, reading from CLAIMED.
    """
    values = [generation_id, settings.MAX_DISPATCHES, worker, settings.LEASE_SECONDS]
    if beginning is None:
        return Statement(_TAKE, values, _claim)
    parts = {CLAIMED: Part(_TAKE, values), "begun": beginning}
    return Statement(*prepared.together(answer=_TAKEN, **parts), _begun_claim)


_TAKE_QUARANTINED = f"""
UPDATE generation_generation AS g
SET state = 'running', worker_id = w.epoch, dispatch = g.dispatch + 1,
    started_at = coalesce(g.started_at, clock_timestamp())
FROM generation_worker AS w
WHERE g.id = (
    SELECT q.id FROM generation_generation AS q
    LEFT JOIN unnest(%s::uuid[], %s::int[]) AS held (tenant_id, number) USING (tenant_id)
    WHERE q.state = 'queued' AND q.quarantine > 0 AND q.dispatch < %s
      AND q.deadline_at > clock_timestamp()
      AND {NOT_STOPPED.format(row="q")}
    ORDER BY q.deaths, coalesce(held.number, 0), q.id FOR UPDATE OF q SKIP LOCKED LIMIT 1)
  AND w.epoch = %s AND w.stopped_at IS NULL
  AND w.seen_at > clock_timestamp() - make_interval(secs => %s)
RETURNING {_LEFT}, {REVISION} AS revision, {rows.columns(Generation, "g")}
"""  # noqa: S608 - built from constants


def take_quarantined(*, worker: WorkerEpoch, in_hand: Mapping[UUID, int]) -> Claim | None:
    """Claim the next of those in quarantine: fewest deaths, then fewest in hand, then the oldest.

    Args:
        worker: whose it will be.
        in_hand: how many the worker has of each tenant.
    """
    held = (list(in_hand), list(in_hand.values()))
    values = [*held, settings.MAX_DISPATCHES, worker, settings.LEASE_SECONDS]
    return prepared.fetch(Statement(_TAKE_QUARANTINED, values, _claim))


def _claim(row: Row | None) -> Claim | None:
    if row is None:
        return None
    seconds_left, revision, *values = row
    generation = rows.read(Generation, values)
    return Claim(generation, generation.dispatch, seconds_left, revision)


def _begun_claim(row: Row | None) -> Claim | None:
    claim = _claim(None if row is None else row[:-1])
    return None if row is None or claim is None else replace(claim, begun_at=row[-1])


def acquit(*, worker: WorkerEpoch) -> None:
    """This worker lives: what was taken back from it did not kill it, and waits for nobody."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_generation SET quarantine = 0, deaths = greatest(deaths - 1, 0)"
            " WHERE state = 'queued' AND quarantine > 0 AND lost_with = %s",
            [worker],
        )


def held_by(claim: Claim) -> dict[str, object]:
    """The condition for ending it: still running, under the same dispatch number."""
    return {
        "id": claim.generation.id,
        "state": State.RUNNING,
        "dispatch": claim.dispatch,
    }


def hand_back(*, worker: WorkerEpoch, only: Collection[UUID] | None = None) -> list[Queued]:
    """Queue again what stands as this worker's, or `only` these; returns what to ring for."""
    chosen = None if only is None else list(only)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_generation SET state = 'queued', worker_id = NULL"
            " WHERE worker_id = %s AND state = 'running'"
            " AND (%s::uuid[] IS NULL OR id = ANY(%s::uuid[])) RETURNING id, tenant_id, livemode",
            [worker, chosen, chosen],
        )
        return [Queued(*row) for row in cursor.fetchall()]


def queue_again(claim: Claim) -> None:
    """Let go of what was claimed and not called: it waits as before, and this was no death."""
    condition = Generation.objects.filter(**held_by(claim))
    condition.update(state=State.QUEUED, worker=None)


def running_under(worker: WorkerEpoch) -> list[UUID]:
    """The generations that stand as this worker's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM generation_generation WHERE worker_id = %s AND state = 'running'",
            [worker],
        )
        return [row[0] for row in cursor.fetchall()]
