"""Claim a queued generation for a worker, with its first attempt if that was chosen."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import InterfaceError, OperationalError

from generation.dispatch.choosing import Opening
from generation.lifecycle import attempts, claims
from generation.lifecycle.attempts import FirstCall
from generation.lifecycle.claims import Claim
from generation.lifecycle.lease import WorkerEpoch
from pictor.kit.database import pools
from pictor.kit.database.batches import Batches
from pictor.kit.database.prepared import SetStatement, is_answer_lost
from pictor.kit.words import clock


class _Wanted(NamedTuple):
    generation_id: UUID
    worker: WorkerEpoch
    first: FirstCall | None


def _claims_statement(wanted: Sequence[_Wanted]) -> SetStatement[list[Claim | None]]:
    unlike = {one.generation_id: one for one in reversed(wanted)}  # of the same, the first
    firsts = {generation_id: one.first for generation_id, one in unlike.items() if one.first}
    return claims.claims_statement(
        [(one.generation_id, one.worker) for one in wanted],
        begin_part=attempts.begin_with_claims_part(firsts),
    )


_claims: Batches[_Wanted, Claim | None] = Batches("claim", _claims_statement)


class ClaimLost(Exception):
    """Another worker has the generation, or it has ended: this one writes nothing more about it."""


class ClaimInDoubt(OperationalError):
    """The claim and its attempt may have been committed, but no call will follow."""

    def __init__(self, generation_id: UUID, attempt_id: UUID) -> None:
        super().__init__(f"the answer to the claim of {generation_id} was lost")
        self._generation_id = generation_id
        self._attempt_id = attempt_id

    async def close(self) -> None:
        """Close the attempt, if there is one, once the database is back: it cost nothing."""
        await pools.surely(
            attempts.close_uncalled,
            self._attempt_id,
            generation_id=self._generation_id,
            why="the claim's answer was lost",
            now=clock.now(),
        )


async def claim_generation(
    generation_id: UUID, worker: WorkerEpoch, opening: Opening | None
) -> Claim | None:
    """Claim it and record the opening's attempt if that fits; None if it cannot be claimed.

    Raises ClaimInDoubt, or the database's refusal.
    """
    first = None if opening is None else opening.first_call
    try:
        return await _claims.write(generation_id, lambda: _Wanted(generation_id, worker, first))
    except (OperationalError, InterfaceError) as error:
        # Only an attempt must be closed: a claim without one has recorded no call.
        if opening is not None and is_answer_lost(error):
            raise ClaimInDoubt(generation_id, opening.attempt_id) from error
        raise
