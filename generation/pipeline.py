"""THE FLOW. A request's journey on one screen: submit() in the web process, run() in a worker.

    api → admission → dispatch → channel adapter → store → settle → notify

No transaction is open across a call to an upstream or to storage. Each stage commits alone; what
each promises if the process dies there is in docs/ARCHITECTURE.md.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError

from generation import claims, notify
from generation.admission import entry
from generation.admission.service import Admitted, Deferred
from generation.claims import Claim
from generation.dispatch.choosing import Opening
from generation.dispatch.claiming import ClaimInDoubt, claimed
from generation.dispatch.service import ClaimLost, Dispatcher, NotNow
from generation.dispatch.store import store
from generation.lease import WorkerEpoch
from generation.notify import Ring
from generation.outcome import TIMED_OUT, Delivery, Failure, not_stored
from generation.selectors import Finished
from generation.settlement import fail, fail_unforeseen, settle_and_tell, settle_unheard
from pictor.kit import clock, log, pools
from pictor.kit.ids import GenerationId
from storage.models import StoredImage
from storage.services import StorageFailed

if TYPE_CHECKING:  # a worker has no use for what reads requests: 7 MB
    from generation.admission.arrival import Arrival

logger = logging.getLogger(__name__)


async def submit(arrival: "Arrival", *, generation_id: GenerationId) -> Admitted:
    """Admit a request, mostly in one turn: read, quote, hold, commit, ring.

    Raises the PictorError that refuses it; nothing is held or left on storage then.
    """
    with arrival.spools:  # what came is kept until it is admitted: an image may take minutes
        arrival = arrival.attended(generation_id)
        match await arrival.in_turn(entry.at_once, arrival, generation_id):
            case Admitted() as admitted:
                return admitted
            case Deferred(submission):
                return await entry.later(arrival, submission, generation_id)


async def run(*, ring: Ring, worker: WorkerEpoch, dispatcher: Dispatcher) -> None:
    """Carry an admitted generation from dispatch to its settled bill. Safe to call twice."""
    try:
        with dispatcher.opening(ring.model, ring.size, ring.queued.tenant_id) as opening:
            claim = await claimed(ring.queued.generation_id, worker, opening)
            if claim is None:  # another worker has it, it is final or overdue, in quarantine …
                return
            if claim.has_begun:
                await carry(claim, dispatcher=dispatcher, opening=opening)
                return
    except ClaimInDoubt as doubt:  # nothing counts in for it any more
        await doubt.close()
        raise
    await carry(claim, dispatcher=dispatcher)


async def carry(claim: Claim, *, dispatcher: Dispatcher, opening: Opening | None = None) -> None:
    """Dispatch, store, settle: carry what is claimed already to its settled bill."""
    log.request_id.set(claim.generation.request_id)
    ends_at = time.monotonic() + claim.seconds_left
    try:
        with dispatcher.scope_of(claim) as spools:
            delivery = await dispatcher.run(claim, spools, opening)
            try:
                stored = await store(claim, delivery, gate=dispatcher.gate, ends_at=ends_at)
            except StorageFailed as error:
                raise not_stored(delivery, str(error)) from error
        await _end(claim, partial(_settled, claim, delivery, stored, ends_at), stored)
    except ClaimLost:
        return
    except NotNow:
        await pools.surely(claims.queue_again, claim)
    except Failure as failure:
        await _end(claim, partial(pools.database, _dated, fail, claim=claim, failure=failure))
    except (OperationalError, InterfaceError):
        raise  # the database went away: let go of, and queued again by the worker's heartbeat
    except Exception:
        # Nobody foresaw it, and the money must not wait for the deadline. Its images may be in
        # storage, but no row names them.
        logger.exception("%s failed unexpectedly", claim.generation.id)
        await _end(claim, partial(pools.database, _dated, fail_unforeseen, claim=claim))


async def _settled(
    claim: Claim, delivery: Delivery, stored: Sequence[StoredImage], ends_at: float
) -> bool:
    """Settle on the loop, or in a thread where a webhook is told of it; not after the deadline."""
    if time.monotonic() > ends_at:
        late = Failure(TIMED_OUT, ended=not_stored(delivery, "settled too late").ended)
        return await pools.database(_dated, fail, claim=claim, failure=late)
    made: dict[str, Any] = {"claim": claim, "delivery": delivery, "stored": stored}
    is_settled = await settle_unheard.on_loop(**made, at=clock.now)
    return is_settled or await pools.database(_dated, settle_and_tell, **made)


def _dated(end: Callable[..., bool], **made: Any) -> bool:
    """In the thread, when its turn has come: what is in the ledger is dated as it is written."""
    return end(**made, now=clock.now())


async def _end(
    claim: Claim, end: Callable[[], Awaitable[bool]], stored: Sequence[StoredImage] = ()
) -> None:
    """Make it final, however often the database goes away, and wake whoever waits for it."""
    if await pools.again(end):  # or the claim was lost on the way
        await notify.tell.on_loop(Finished(claim.generation, tuple(stored)))
