"""A queued generation into a worker's hands, with its first attempt where that was chosen."""

from uuid import UUID

from django.db import InterfaceError, OperationalError

from generation import attempts, claims
from generation.claims import Claim
from generation.dispatch.choosing import Opening
from generation.lease import WorkerEpoch
from pictor.kit import clock, pools
from pictor.kit.loop_connections import fetch_async
from pictor.kit.prepared import is_answer_lost


class ClaimInDoubt(OperationalError):
    """The claim may have been made, and its attempt with it, which nobody will call."""

    def __init__(self, generation_id: UUID, attempt_id: UUID) -> None:
        super().__init__(f"the answer to the claim of {generation_id} was lost")
        self._generation_id = generation_id
        self._attempt_id = attempt_id

    async def close(self) -> None:
        """Close the attempt, if there is one, as soon as the database is there: it cost nothing."""
        await pools.surely(
            attempts.close_uncalled,
            self._attempt_id,
            generation_id=self._generation_id,
            why="the claim's answer was lost",
            now=clock.now(),
        )


async def claimed(
    generation_id: UUID, worker: WorkerEpoch, opening: Opening | None
) -> Claim | None:
    """Claim it and write the opening's attempt down, if that fits; None when it is not to be had.

    Raises ClaimInDoubt, or what the database refused it with.
    """
    beginning = None if opening is None else opening.beginning
    try:
        return await fetch_async(
            claims.taken(generation_id=generation_id, worker=worker, beginning=beginning)
        )
    except (OperationalError, InterfaceError) as error:
        if opening is not None and is_answer_lost(error):
            raise ClaimInDoubt(generation_id, opening.attempt_id) from error
        raise
