"""How a request is admitted: at once, or after its images are stored and others are heard of.

who asks → how often → with what → quote → hold, commit → ring
"""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from generation import notify
from generation.admission import inputs, room
from generation.admission.orphans import Undecided
from generation.admission.quoting import check_ceiling, quoted_order
from generation.admission.service import Admitted, Deferred, Submission, admit
from generation.notify import Ring
from pictor.kit import clock, pools, retries
from pictor.kit.ids import GenerationId
from pictor.kit.moments import Steps, moment

if TYPE_CHECKING:  # a worker has no use for what reads requests: 7 MB
    from generation.admission.arrival import Arrival, Asker

_once_decided = retries.calls(pause_seconds=0.5)
"""Looks again at a web process that may have died, until that is known."""


@moment
def at_once(arrival: "Arrival", generation_id: GenerationId) -> Steps[Admitted | Deferred]:
    """Read who asks and for what, and admit it unless it has to wait for something."""
    return (yield from arrival.asked(partial(_asked, arrival, generation_id)))


def _asked(
    arrival: "Arrival", generation_id: GenerationId, asker: "Asker"
) -> Steps[Admitted | Deferred]:
    submission = yield from arrival.read(asker)
    now = clock.now()
    if inputs.are_in(submission.request):
        asker.require_present()
        if submission.idempotency_key is None and not submission.is_retry:
            # Refused at once, before its images cost anything, if it cannot be an earlier one.
            check_ceiling(submission.caller, now)
            yield from quoted_order.steps(
                caller=submission.caller, request=submission.request, now=now
            )
            yield from room.require.steps(submission.caller, size_bytes=0, now=now)
        return Deferred(submission)
    inputs.check_no_long_text(submission.request, arrival.body)
    try:
        return (yield from _entered(arrival, submission, generation_id, now))
    except Undecided:
        asker.require_present()
        return Deferred(submission)


async def later(
    arrival: "Arrival", submission: Submission, generation_id: GenerationId
) -> Admitted:
    """Store its images, and admit it as soon as it is known which web processes are alive."""
    arrival.spools.owner, now = str(submission.caller.tenant_id), clock.now()
    images = await pools.storage(inputs.extract, submission.request, arrival.body, arrival.spools)

    @moment
    def known_anew(rows: inputs.Rows) -> Steps[Admitted]:
        caller = yield from arrival.authenticated()  # the key may have been revoked meanwhile
        whole = replace(submission, caller=caller, request=images.request, inputs=rows)
        return (yield from _entered(arrival, whole, generation_id, now))

    async with images.stored(arrival.lane, generation_id, now) as rows:
        admitted: Admitted = await _once_decided(Undecided, arrival.in_turn, known_anew, rows)
        if not admitted.is_new:
            await images.forget()
        return admitted


def _entered(
    arrival: "Arrival", submission: Submission, generation_id: GenerationId, now: datetime
) -> Steps[Admitted]:
    """What is short is entered on the loop; a long text takes time, for its digest alone."""
    if arrival.body.is_short:
        return (yield from enter.steps(submission, generation_id=generation_id, now=now))
    entered: Admitted = yield partial(enter, submission, generation_id=generation_id, now=now)
    return entered


@moment
def enter(submission: Submission, *, generation_id: GenerationId, now: datetime) -> Steps[Admitted]:
    """Quote, hold, commit, ring.

    Under /v1 mostly on the loop, for the playground in its page's thread. Raises the PictorError
    that refuses it, or Undecided; then nothing is held or remembered.
    """
    admitted = yield from admit.steps(submission, generation_id=generation_id, now=now)
    if admitted.is_new:
        yield from notify.ring.steps(Ring.of(admitted.generation))
    return admitted
