"""A queued generation into a worker's hands, with its first attempt where that was chosen."""

from functools import partial
from uuid import UUID

from django.db import InterfaceError, OperationalError

from generation import attempts, claims
from generation.claims import Claim
from generation.dispatch.choosing import Opening
from generation.lease import WorkerEpoch
from pictor.kit import clock, pools


async def claimed(
    generation_id: UUID, worker: WorkerEpoch, opening: Opening | None
) -> Claim | None:
    """Claim it and write the opening's attempt down, if that fits; None when it is not to be had.

    An attempt whose claim's answer was lost is closed: it is never called and costs nothing.
    """
    take = partial(claims.take.on_loop, generation_id=generation_id, worker=worker)
    if opening is None:
        return await take()
    try:
        return await take(beginning=opening.beginning)
    except (OperationalError, InterfaceError):
        end = partial(attempts.never_called, opening.attempt_id, generation_id=generation_id)
        await pools.surely(end, now=clock.now())
        raise
