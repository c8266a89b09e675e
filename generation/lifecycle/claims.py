"""The claim on a generation, and the condition under which its holder may end it.

A dead worker's generations are in quarantine, because one of them may have killed it and would kill
the next worker. They are claimed one by one, so that the guilty one is alone and its neighbours are
called only once more. A row's `quarantine` is the number of generations suspected together, 0 for
all others (docs/adr/0012).

A message may be delivered twice or never; only the claim decides. It raises the generation's
dispatch number, and may record the first attempt in the same statement (attempts.py). Beginning
another attempt and ending the generation are conditional on (id, running, dispatch number). A
worker that lost its claim can still close its attempts, which are facts, unless they have jobs for
the next claim to follow (jobs.py), and nothing else. Every comparison of times uses the database's
clock.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.selectors import REVISION
from generation.lifecycle.lease import WorkerEpoch
from generation.models import Generation, State
from pictor.kit.database import model_rows, prepared
from pictor.kit.database.prepared import SetStatement, SqlPart, Statement
from pictor.kit.words.untyped import Row


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed generation: its row, the seconds left, the configuration's revision."""

    generation: Generation
    dispatch: int
    seconds_left: float
    revision: int
    begun_at: datetime | None = None
    """The beginning of its first attempt, if that is recorded already."""

    @property
    def has_begun(self) -> bool:
        """True if its first attempt is recorded."""
        return self.begun_at is not None


class Queued(NamedTuple):
    """A generation that waits to be claimed, and the tenant whose slot it takes."""

    generation_id: UUID
    tenant_id: UUID
    livemode: bool


NOT_STOPPED = """
(NOT EXISTS (SELECT FROM generation_stop AS s WHERE s.ended_at IS NULL
              AND s.model IN ('', {row}.model)
              AND (s.tenant_id IS NULL OR s.tenant_id = {row}.tenant_id))
 OR EXISTS (SELECT FROM generation_attempt AS a
            WHERE a.generation_id = {row}.id AND a.jobs IS NOT NULL))
"""
"""SQL: no operator has stopped this row's work, or a vendor works on it already.

Other stopped work waits to its deadline."""
CLAIMED = "claimed"
"""The part of a claims' statement that first attempts read: the rows, and the `revision`."""
_LEFT = "extract(epoch FROM g.deadline_at - clock_timestamp())::float8 AS seconds_left"
_CLAIM = f"""
UPDATE generation_generation AS g
SET state = 'running', worker_id = w.epoch, dispatch = g.dispatch + 1,
    started_at = coalesce(g.started_at, clock_timestamp())
FROM wanted, generation_worker AS w
WHERE g.id = wanted.id AND g.id = ANY(ARRAY(SELECT id FROM free))
  AND g.state = 'queued' AND g.quarantine = 0 AND g.dispatch < %s
  AND g.deadline_at > clock_timestamp()
  AND w.epoch = wanted.worker AND w.stopped_at IS NULL
  AND w.seen_at > clock_timestamp() - make_interval(secs => %s)
RETURNING {_LEFT}, {REVISION} AS revision, {model_rows.columns(Generation, "g")}
"""  # noqa: S608 - built from constants
_WANTED = "SELECT * FROM jsonb_to_recordset(%s::jsonb) AS w (id uuid, worker uuid)"
_FREE = """
SELECT id FROM generation_generation
WHERE id = ANY(ARRAY(SELECT id FROM wanted)) AND state = 'queued'
ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""
"""Whoever has a row's lock mostly claims or ends it; else the next heartbeat finds it, in 3 s."""
_CLAIMS = SqlPart(
    f"SELECT {CLAIMED}.*, begun.started_at FROM {CLAIMED}"  # noqa: S608 - built from constants
    f" LEFT JOIN begun ON begun.generation_id = {CLAIMED}.id",
    (),
)


_LOCKED = """
SELECT id, tenant_id, livemode FROM generation_generation
WHERE id = ANY(ARRAY(
    SELECT one::uuid FROM
      set_config('lock_timeout', coalesce(%s, current_setting('lock_timeout')), true),
      jsonb_array_elements_text(%s::jsonb) AS one))
ORDER BY id FOR NO KEY UPDATE
"""


def claims_statement(
    wanted: Sequence[tuple[UUID, WorkerEpoch]], *, begin_part: SqlPart
) -> SetStatement[list[Claim | None]]:
    """The statement that claims queued generations, each under its worker's lease.

    Its result has a claim for each that is wanted, in order, or None if it cannot be claimed; who
    wants one again gets None. Those in quarantine are claimed by `claim_quarantined`.

    Args:
        wanted: generations and the workers that claim them.
        begin_part: the part that records first attempts, reading from CLAIMED.
    """
    rows = [{"id": generation_id, "worker": worker} for generation_id, worker in wanted]
    parts = {
        "wanted": SqlPart(_WANTED, [prepared.rows_json(rows)]),
        "free": SqlPart(_FREE, ()),
        CLAIMED: SqlPart(_CLAIM, [settings.MAX_DISPATCHES, settings.LEASE_SECONDS]),
        "begun": begin_part,
    }

    def read(rows: Sequence[Row]) -> list[Claim | None]:
        found = {claim.generation.id: claim for claim in map(_begun_claim, rows)}
        return [found.pop(generation_id, None) for generation_id, _ in wanted]

    return SetStatement(*prepared.joined_part(answer=_CLAIMS, **parts), read)


# SKIP LOCKED: workers that look at once claim different ones.
_CLAIM_QUARANTINED = f"""
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
RETURNING {_LEFT}, {REVISION} AS revision, {model_rows.columns(Generation, "g")}
"""  # noqa: S608 - built from constants


def claim_quarantined(*, worker: WorkerEpoch, in_hand: Mapping[UUID, int]) -> Claim | None:
    """Claim the next one in quarantine: fewest deaths, then fewest in hand, then the oldest.

    Args:
        worker: the claiming worker.
        in_hand: the number of generations that it has of each tenant.
    """
    held = (list(in_hand), list(in_hand.values()))
    values = [*held, settings.MAX_DISPATCHES, worker, settings.LEASE_SECONDS]
    return prepared.fetch(Statement(_CLAIM_QUARANTINED, values, _claim))


def _claim(row: Row | None) -> Claim | None:
    return None if row is None else _claimed(row)


def _claimed(row: Row) -> Claim:
    seconds_left, revision, *values = row
    generation = model_rows.read(Generation, values)
    return Claim(generation, generation.dispatch, seconds_left, revision)


def _begun_claim(row: Row) -> Claim:
    return replace(_claimed(row[:-1]), begun_at=row[-1])


def acquit(*, worker: WorkerEpoch) -> None:
    """Free this living worker's generations from quarantine: none of them killed it."""
    # A worker that renews its lease late was cut off from PostgreSQL and did not die (ADR 0012).
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_generation SET quarantine = 0, deaths = greatest(deaths - 1, 0)"
            " WHERE state = 'queued' AND quarantine > 0 AND lost_with = %s",
            [worker],
        )


STILL_HELD = "g.state = 'running' AND g.dispatch = r.dispatch"
"""The same condition in SQL, for a row `g` beside its claim's `r`."""


def held_by(claim: Claim) -> dict[str, object]:
    """The condition for ending it: still running, under the same dispatch number."""
    return {
        "id": claim.generation.id,
        "state": State.RUNNING,
        "dispatch": claim.dispatch,
    }


def locked_part(generation_ids: Sequence[UUID], *, lock_timeout: str | None) -> SqlPart:
    """The part that locks generations' rows by their ids, and has `id`, `tenant_id`, `livemode`.

    From here the transaction waits at most `lock_timeout` for a lock, if given.
    """
    return SqlPart(_LOCKED, [lock_timeout, prepared.rows_json(generation_ids)])


def hand_back(*, worker: WorkerEpoch, only: Collection[UUID] | None = None) -> list[Queued]:
    """Queue this worker's generations again, or `only` these; returns those to ring for."""
    chosen = None if only is None else list(only)
    # No death is counted: three deployments within a deadline failed innocent orders (ADR 0012).
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_generation SET state = 'queued', worker_id = NULL"
            " WHERE worker_id = %s AND state = 'running'"
            " AND (%s::uuid[] IS NULL OR id = ANY(%s::uuid[])) RETURNING id, tenant_id, livemode",
            [worker, chosen, chosen],
        )
        return [Queued(*row) for row in cursor.fetchall()]


def queue_again(claim: Claim) -> None:
    """Queue a claimed generation again that was not sent, without counting a death."""
    condition = Generation.objects.filter(**held_by(claim))
    condition.update(state=State.QUEUED, worker=None)


def running_under(worker: WorkerEpoch) -> list[UUID]:
    """The generations recorded as this worker's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM generation_generation WHERE worker_id = %s AND state = 'running'",
            [worker],
        )
        return [row[0] for row in cursor.fetchall()]
