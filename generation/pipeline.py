"""THE FLOW. One request's journey on one screen: submit() in the web process, run() in a worker.

    api → admission → dispatch → channel adapter → store → settle → notify

No transaction is open across a call to an upstream or to storage. Each stage commits alone; what
each promises if the process dies there is in docs/ARCHITECTURE.md.
"""

import logging
from contextlib import closing
from datetime import datetime
from functools import partial
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
from generation.selectors import Finished
from generation.settlement import fail, fail_unforeseen, settle
from pictor.kit import clock, ids, log, pools
from pictor.kit.ids import GenerationId
from storage.models import StoredImage
from storage.services import StorageFailed

logger = logging.getLogger(__name__)


def submit(
    *, caller: Caller, submission: Submission, generation_id: GenerationId, now: datetime
) -> Admitted:
    """Admit a request: validate, quote, hold, commit, ring.

    Blocks: under /v1 in the admission pool, for the playground in its page's thread. Raises the
    PictorError that refuses it, or Undecided; then nothing is held or remembered.
    """
    admitted = admit(caller=caller, submission=submission, generation_id=generation_id, now=now)
    # Noted here and not by the answer alone: the caller may be gone before there is one.
    generation = admitted.generation
    log.note(
        generation=generation.public_id,
        model=generation.model,
        tenant=ids.public(ids.TENANT, generation.tenant_id),
        key=ids.public(ids.KEY, generation.api_key_id),
    )
    if admitted.is_new:
        notify.ring(generation.id)
    return admitted


async def run(*, generation_id: UUID, worker: WorkerEpoch, dispatcher: Dispatcher) -> None:
    """Carry an admitted generation from dispatch to its settled bill. Safe to call twice."""
    claim = await pools.database(claims.take, generation_id=generation_id, worker=worker)
    if claim is not None:  # or another worker has it, it is final or overdue, in quarantine …
        await carry(claim, dispatcher=dispatcher)


async def carry(claim: Claim, *, dispatcher: Dispatcher) -> None:
    """Carry what is claimed already to its settled bill."""
    log.request_id.set(claim.generation.request_id)
    finished = await _carry(claim, dispatcher)
    if finished is not None:
        await pools.database(notify.tell, finished)


async def _carry(claim: Claim, dispatcher: Dispatcher) -> Finished | None:
    """Dispatch, store, settle. None when the claim was lost on the way."""
    stored: list[StoredImage] = []
    try:
        delivery = await dispatcher.run(claim)
        with closing(delivery):
            try:
                stored = await store(claim, delivery)
            except StorageFailed as error:
                raise not_stored(delivery, str(error)) from error
            is_final = await pools.surely(
                lambda: settle(claim=claim, delivery=delivery, stored=stored, now=clock.now())
            )
    except ClaimLost:
        return None
    except Failure as failure:
        is_final = await pools.surely(partial(_fail, claim, failure))
    except (OperationalError, InterfaceError):
        raise  # the database went away: let go of, and queued again by the worker's heartbeat
    except Exception:
        # Nobody foresaw it, and the money must not wait for the deadline.
        logger.exception("%s failed unexpectedly", claim.generation.id)
        is_final = await pools.surely(lambda: fail_unforeseen(claim=claim, now=clock.now()))
        stored = []  # they may be in storage, but no row names them
    return Finished(claim.generation, tuple(stored)) if is_final else None


def _fail(claim: Claim, failure: Failure) -> bool:
    return fail(claim=claim, failure=failure, now=clock.now())
