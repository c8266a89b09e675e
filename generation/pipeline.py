"""THE FLOW. A request's journey: submit() in the web process, run() in a worker.

    api → admission → dispatch → channel adapter → store → settle → notify

No transaction is open across a call to an upstream or to storage. Each stage commits by itself;
docs/ARCHITECTURE.md says what happens when a process dies in one.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError

from accounts import rates
from accounts.callers import Caller
from generation.admission import inputs
from generation.admission.arrival import Arrival
from generation.admission.identity import (
    Identity,
    Outdated,
    add_rate_limits,
    count,
    identify,
    identify_again,
    let_in,
    look_up,
    refusals,
    turn_owner,
)
from generation.admission.quoting import Quoted, quoted_order_async
from generation.admission.retry_shield import Undecided
from generation.admission.service import Admitted, Deferred, Submission, admit, hold, refuse_early
from generation.dispatch.choosing import NotNow, Opening
from generation.dispatch.claiming import ClaimInDoubt, ClaimLost, claim_generation
from generation.dispatch.store import store
from generation.lifecycle import claims, notify
from generation.lifecycle.claims import Claim
from generation.lifecycle.lease import WorkerEpoch
from generation.lifecycle.notify import Ring
from generation.lifecycle.outcome import TIMED_OUT, Failure, Verified, not_stored
from generation.lifecycle.settlement import fail, fail_unforeseen, settle_and_tell, settle_unheard
from generation.selectors import Finished
from pictor.kit.database import pools
from pictor.kit.running import retries
from pictor.kit.watching import log
from pictor.kit.words import clock
from pictor.kit.words.errors import PictorError
from pictor.kit.words.ids import GenerationId
from pictor.kit.words.untyped import Json
from storage.models import StoredImage
from storage.services import StorageFailed

if TYPE_CHECKING:  # the web process dispatches nothing
    from generation.dispatch.service import Dispatcher

logger = logging.getLogger(__name__)

_once_decided = retries.calls(pause_seconds=0.5)
"""Looks again until it is known whether a web process has died, or an orphan can be had."""


async def submit(arrival: Arrival, *, generation_id: GenerationId) -> Admitted:
    """Admit a request, mostly in one turn.

    Raises the PictorError that refuses it; then nothing is held or left on storage.
    """
    with arrival.spools:  # kept until admission ends, not until the image is made minutes later
        first = await pools.admission().run(  # once begun, it finishes without its caller
            turn_owner(arrival), lambda: _submit(arrival, generation_id)
        )
        if isinstance(first, Deferred):
            return await _continue(arrival, first, generation_id)
        return first


async def _submit(arrival: Arrival, generation_id: GenerationId) -> Admitted | Deferred:
    """Key → fields → rate limits → quote → hold, commit → ring; or what must happen first."""
    identity = await identify(arrival)
    outcome: Admitted | Deferred | Outdated
    try:
        outcome = await _hold(arrival, identity, generation_id)
    except Outdated as error:
        outcome = error  # handled outside: a later failure must not be chained to this one
    if isinstance(outcome, Outdated):
        # Once only: what was looked up just now cannot be out of date.
        present = await identify_again(arrival, identity, outcome)
        outcome = await _hold(arrival, present, generation_id)
    return await _ring(outcome) if isinstance(outcome, Admitted) else outcome


async def _hold(
    arrival: Arrival, identity: Identity, generation_id: GenerationId
) -> Admitted | Deferred:
    """Hold the money for it, or say that it must be deferred.

    Raises Outdated for a remembered caller, otherwise the PictorError that refuses it.
    """
    async with refusals(identity, identity.counted):
        # Before the count: a refused key must not use up its tenant's rate (ADR 0031).
        let_in(arrival, identity)
        fields = await _fields(arrival)
        counted = await count(
            identity, None if isinstance(fields, PictorError) else fields, is_plain=arrival.is_plain
        )
    async with refusals(identity, counted):
        if isinstance(fields, PictorError):
            raise fields
        submission = Submission.of(arrival, identity, fields, counted.refusal)
        now = clock.now()
        if inputs.are_in(fields):
            # Images cost more than a look-up, so a remembered key does not suffice (ADR 0031).
            if identity.is_remembered:
                raise Outdated(None, counted)
            await refuse_early(submission, now=now)
            return Deferred(submission, counted)
        inputs.check_no_long_text(fields, arrival.body)
        # A long body's digest would hold up everyone else on the loop (ADR 0029).
        if submission.is_plain and arrival.body.is_short:
            holding = hold(submission, generation_id=generation_id, now=now)
        else:
            holding = _admit_in_thread(arrival, submission, generation_id, now)
        try:
            return await (await holding).counted_by(counted)
        # The next look comes after a pause, outside of the turn.
        except Undecided:
            return Deferred(submission, counted)


async def _fields(arrival: Arrival) -> Json | PictorError:
    """The body's fields, or the reason why it cannot be read: both count against the limits."""
    try:
        # A short body is not worth a thread's wake-up (ADR 0029).
        if arrival.body.is_short:
            return arrival.parse(arrival.body)
        return await pools.database(arrival.parse, arrival.body)
    except PictorError as error:
        return error


async def _continue(arrival: Arrival, deferred: Deferred, generation_id: GenerationId) -> Admitted:
    """Store its images, and admit it once it is known which web processes are alive."""
    submission, now = deferred.submission, clock.now()
    # From here on its spools count against the tenant's share.
    arrival.spools.owner = str(submission.caller.tenant_id)
    async with add_rate_limits(deferred.counted):
        images = await pools.storage(
            inputs.extract, submission.request, arrival.body, arrival.spools
        )
        # Verified outside of the turn, so that a caller who leaves meanwhile is not charged.
        async with images.stored(turn_owner(arrival), generation_id, now) as rows:
            whole = replace(submission, request=images.request, inputs=rows)
            turn = partial(_admit, arrival, whole, generation_id, now)
            in_turn = partial(pools.admission().run, turn_owner(arrival), turn)
            admitted: Admitted = await _once_decided(Undecided, in_turn)
            if not admitted.is_new:  # the earlier generation has images of its own
                await images.forget()
    return await admitted.counted_by(deferred.counted)


async def _admit(
    arrival: Arrival, submission: Submission, generation_id: GenerationId, now: datetime
) -> Admitted:
    caller = await look_up(arrival)  # the key may have been revoked meanwhile
    present = replace(submission, caller=caller)
    return await _ring(await _admit_in_thread(arrival, present, generation_id, now))


async def _admit_in_thread(
    arrival: Arrival, submission: Submission, generation_id: GenerationId, now: datetime
) -> Admitted:
    admitting = partial(pools.database, admit, submission, generation_id=generation_id, now=now)
    return await pools.blocking_admission().run(turn_owner(arrival), admitting)


async def _ring(admitted: Admitted) -> Admitted:
    """Ring the doorbell for a new generation."""
    if admitted.is_new:
        await notify.ring_async(Ring.of(admitted.generation))
    return admitted


async def quote(arrival: Arrival) -> Quoted:
    """Quote it in a turn, with a fresh look-up of the key. Spends and holds nothing."""
    return await pools.admission().run(turn_owner(arrival), partial(_quote, arrival))


async def _quote(arrival: Arrival) -> Quoted:
    # No hold follows that could check a remembered key.
    caller = await look_up(arrival)
    fields = await pools.database(_quote_fields, arrival, caller)
    return await quoted_order_async(caller=caller, request=fields, now=clock.now())


def _quote_fields(arrival: Arrival, caller: Caller) -> Json:
    rates.take_query(caller)
    arrival.spools.owner = str(caller.tenant_id)
    return inputs.extract(arrival.parse(arrival.body), arrival.body, arrival.spools).request


def enter(submission: Submission, *, generation_id: GenerationId, now: datetime) -> Admitted:
    """Admit and ring for a page, in its thread. Raises the PictorError that refuses it."""
    admitted = admit(submission, generation_id=generation_id, now=now)
    if admitted.is_new:
        notify.ring(Ring.of(admitted.generation))
    return admitted


async def run(*, ring: Ring, worker: WorkerEpoch, dispatcher: "Dispatcher") -> None:
    """Carry an admitted generation from dispatch to its settled bill. Safe to call twice."""
    try:
        # From here the call counts against its channel, until it ends or the claim fails.
        with dispatcher.opening(ring.model, ring.size, ring.queued.tenant_id) as opening:
            claim = await claim_generation(ring.queued.generation_id, worker, opening)
            if claim is None:  # another worker has it, it is final or overdue, in quarantine …
                return
            if claim.has_begun:
                await carry(claim, dispatcher=dispatcher, opening=opening)
                return
    except ClaimInDoubt as doubt:  # it no longer counts against the channel
        await doubt.close()
        raise
    # Its attempt did not begin with the claim, so its call was let go: dispatch chooses anew.
    await carry(claim, dispatcher=dispatcher)


async def carry(claim: Claim, *, dispatcher: "Dispatcher", opening: Opening | None = None) -> None:
    """Carry a claimed generation through dispatch and storage to its settled bill."""
    log.request_id.set(claim.generation.request_id)
    ends_at = time.monotonic() + claim.seconds_left
    try:
        with dispatcher.scope_of(claim) as spools:
            delivery = await dispatcher.run(claim, spools, opening)
            try:
                stored = await store(claim, delivery, gate=dispatcher.gate, ends_at=ends_at)
            except StorageFailed as error:
                raise not_stored(delivery, str(error)) from error
        # Outside of the scope: while the database is away, stored images need no spools.
        await _end(claim, partial(_settle, claim, delivery, stored, ends_at), stored)
    except ClaimLost:
        return
    except NotNow:
        await pools.surely(claims.queue_again, claim)
    except Failure as failure:
        await _fail(claim, failure)
    except (OperationalError, InterfaceError):
        raise  # the database went away: the worker's heartbeat queues it again
    except Exception:
        # The money must not wait for the deadline. Images may be in storage, but no row names them.
        logger.exception("%s failed unexpectedly", claim.generation.id)
        await _end(claim, lambda: _run_dated(lambda now: fail_unforeseen(claim=claim, now=now)))


async def _settle(
    claim: Claim, delivery: Verified, stored: Sequence[StoredImage], ends_at: float
) -> bool:
    """Settle on the loop, or in a thread if a webhook announces it; fail it after the deadline."""
    # The reaper may have failed it by now, and nothing is settled late (ADR 0038).
    if time.monotonic() > ends_at:
        late = Failure(TIMED_OUT, ended=not_stored(delivery, "settled too late").ended)
        return await _run_dated(lambda now: fail(claim=claim, failure=late, now=now))
    if await settle_unheard(claim=claim, delivery=delivery, stored=stored, at=clock.now):
        return True
    # The claim is lost, or a webhook must announce it: the transaction finds out which.
    return await _run_dated(
        lambda now: settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=now)
    )


async def _fail(claim: Claim, failure: Failure) -> None:
    await _end(claim, lambda: _run_dated(lambda now: fail(claim=claim, failure=failure, now=now)))


async def _run_dated(end: Callable[[datetime], bool]) -> bool:
    """Run in a thread that reads `now` just before the write, so the ledger has that time."""
    return await pools.database(lambda: end(clock.now()))


async def _end(
    claim: Claim, end: Callable[[], Awaitable[bool]], stored: Sequence[StoredImage] = ()
) -> None:
    """Make it final, retrying while the database is away, and wake the waiting caller."""
    if await pools.again(end):  # or the claim was lost on the way
        await notify.wake_async(Finished(claim.generation, tuple(stored)))
