"""THE FLOW. One request's journey on one screen: submit() in the web process, run() in a worker.

    api → admission → dispatch → channel adapter → store → settle → notify

No transaction is open across a call to an upstream or to storage. Each stage commits alone; what
each promises if the process dies there is in docs/ARCHITECTURE.md.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError

from accounts.selectors import Caller
from generation import claims, notify
from generation.admission.service import Admitted, Submission, admit
from generation.claims import Claim
from generation.dispatch.service import ClaimLost, Dispatcher
from generation.dispatch.store import store
from generation.lease import WorkerEpoch
from generation.outcome import Failure, not_stored
from generation.settlement import fail, fail_unforeseen, settle
from pictor.kit import clock, log, pools
from pictor.kit.ids import GenerationId
from storage.services import StorageFailed

logger = logging.getLogger(__name__)

END_AGAIN_SECONDS = 1.0


def submit(
    *, caller: Caller, submission: Submission, generation_id: GenerationId, now: datetime
) -> Admitted:
    """Admit a request: validate, quote, hold, commit, ring. Runs in the admission pool.

    Raises a PictorError for whatever refuses it; then nothing is held and nothing remembered.
    """
    admitted = admit(caller=caller, submission=submission, generation_id=generation_id, now=now)
    if admitted.is_new:
        notify.ring(admitted.generation.id)
    return admitted


async def run(*, generation_id: UUID, worker: WorkerEpoch, dispatcher: Dispatcher) -> None:
    """Carry an admitted generation from dispatch to its settled bill. Safe to call twice."""
    claim = await pools.database(claims.take, generation_id=generation_id, worker=worker)
    if claim is None:  # another worker has it, it is final or overdue, or our lease has run out
        return
    log.request_id.set(claim.generation.request_id)
    is_final = await _carry(claim, dispatcher)
    if is_final:
        await pools.database(notify.wake, [generation_id])


async def _carry(claim: Claim, dispatcher: Dispatcher) -> bool:
    """Dispatch, store, settle. False when the claim was lost on the way."""
    try:
        delivery = await dispatcher.run(claim)
        with delivery:
            try:
                stored = await store(claim, delivery)
            except StorageFailed as error:
                raise not_stored(delivery, str(error)) from error
            return await _surely(settle, claim=claim, delivery=delivery, stored=stored)
    except ClaimLost:
        return False
    except Failure as failure:
        return await _surely(fail, claim=claim, failure=failure)
    except Exception:
        # Nobody foresaw it, and the money must not wait for the deadline.
        logger.exception("%s failed unexpectedly", claim.generation.id)
        return await _surely(fail_unforeseen, claim=claim)


async def _surely(end: Callable[..., bool], **kwargs: Any) -> bool:
    """End a generation even if the database is away for a while: the end is safe to repeat."""
    while True:
        try:
            return await pools.database(end, **kwargs, now=clock.now())
        except (OperationalError, InterfaceError) as error:
            logger.warning("the end of a generation is tried again: %s", error)
            await asyncio.sleep(END_AGAIN_SECONDS)
