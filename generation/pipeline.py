"""THE FLOW. One request's journey on one screen: submit() in the web process, run() in a worker.

    api → admission → dispatch → channel adapter → store → settle → notify

No transaction is open across a call to an upstream or to storage. Each stage commits alone; what
each promises if the process dies there is in docs/ARCHITECTURE.md.
"""

import logging
from collections.abc import Callable, Sequence
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
    """Dispatch, store, settle: carry what is claimed already to its settled bill."""
    log.request_id.set(claim.generation.request_id)
    try:
        with dispatcher.scope_of(claim) as spools:
            delivery = await dispatcher.run(claim, spools)
            try:
                stored = await store(claim, delivery)
            except StorageFailed as error:
                raise not_stored(delivery, str(error)) from error
            await _end(claim, partial(settle, delivery=delivery, stored=stored), stored)
    except ClaimLost:
        return
    except Failure as failure:
        await _end(claim, partial(fail, failure=failure))
    except (OperationalError, InterfaceError):
        raise  # the database went away: let go of, and queued again by the worker's heartbeat
    except Exception:
        # Nobody foresaw it, and the money must not wait for the deadline. Its images may be in
        # storage, but no row names them.
        logger.exception("%s failed unexpectedly", claim.generation.id)
        await _end(claim, fail_unforeseen)


async def _end(claim: Claim, end: Callable[..., bool], stored: Sequence[StoredImage] = ()) -> None:
    """Make it final, however often the database goes away, and wake whoever waits for it."""

    def ended() -> None:
        if end(claim=claim, now=clock.now()):  # or the claim was lost on the way
            notify.tell(Finished(claim.generation, tuple(stored)))

    await pools.surely(ended)
