"""Claim a queued generation for a worker, with its first attempt if that was chosen."""

from uuid import UUID

from django.db import InterfaceError, OperationalError

from generation.dispatch.choosing import Opening
from generation.lifecycle import attempts, claims
from generation.lifecycle.claims import Claim
from generation.lifecycle.lease import WorkerEpoch
from pictor.kit.database import pools
from pictor.kit.database.batches import Batches
from pictor.kit.database.prepared import Statement, is_answer_lost
from pictor.kit.words import clock

_claims = Batches("claim")


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

    def opened_statement() -> Statement[Claim | None]:
        begin_part = None if opening is None else opening.begin_part
        return claims.claim_statement(
            generation_id=generation_id, worker=worker, begin_part=begin_part
        )

    try:
        return await _claims.write(generation_id, opened_statement)
    except (OperationalError, InterfaceError) as error:
        # Only an attempt must be closed: a claim without one has recorded no call.
        if opening is not None and is_answer_lost(error):
            raise ClaimInDoubt(generation_id, opening.attempt_id) from error
        raise
