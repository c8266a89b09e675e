"""From a call to its generation: who calls, how often, with what, then admission in its pool.

A request with reference images crosses the pool twice: they are decoded and put on storage in
between, before anything is held.
"""

import functools
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from asgiref.sync import async_to_sync, sync_to_async

from accounts import rates
from accounts.selectors import Caller
from generation import pipeline
from generation.admission.orphans import Undecided
from generation.admission.service import Admitted, Submission, quoted_order
from generation.api import inputs
from generation.api.callers import callers
from generation.api.calls import Call, lanes
from generation.api.inputs import Inputs
from pictor.kit import clock, pools, retries
from pictor.kit.errors import PictorError
from pictor.kit.ids import GenerationId, TenantId
from pictor.kit.spools import process_spools

T = TypeVar("T")
Rows = Sequence[Mapping[str, Any]]
_once_decided = retries.calls(pause_seconds=0.5)
"""Looks again at a web process that may have died, until that is known."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A caller who may do this, and the typed fields of their request; nothing is written yet."""

    caller: Caller
    request: dict[str, Any]

    @property
    def has_images(self) -> bool:
        """Whether reference images must go to storage before admission."""
        return any(name in self.request for name in inputs.FIELDS)


async def admit_call(call: Call, generation_id: GenerationId) -> Admitted:
    """The generation of a call: a new one of this id, or the one the request has already.

    Raises the PictorError that refuses it; nothing is held or left on storage then.
    """
    with call.spools:  # what came is kept until then, and no longer: the image takes minutes
        return await _admitted(_attended(call, generation_id), generation_id)


async def _admitted(call: Call, generation_id: GenerationId) -> Admitted:
    outcome = await in_turn(call, functools.partial(_submit_at_once, call, generation_id))
    if isinstance(outcome, Admitted):
        return outcome
    now = clock.now()
    call.spools.owner = str(outcome.caller.tenant_id)
    images = await pools.storage(inputs.extract, outcome.request, call.body, call.spools)

    async def submit(rows: Rows) -> Admitted:
        later = functools.partial(_submit_later, call, outcome, generation_id, now, rows)
        return await _once_decided(Undecided, in_turn, call, later)

    lane = lanes.of(call.key)
    return await _with_images(images, submit, lane=lane, generation_id=generation_id, now=now)


def admit_files(
    files: Sequence[tuple[str, Iterable[bytes]]],
    submit: Callable[[Sequence[str], Rows], Admitted],
    *,
    tenant_id: TenantId,
    generation_id: GenerationId,
    now: datetime,
) -> Admitted:
    """Admit a form's request with the files it came with as reference images.

    For the thread that makes a page, where `submit` runs too.

    Args:
        files: the name and the bytes of each.
        submit: is given what stands for the files in the field `image`, and their rows.
        tenant_id: whose turn it takes to decode them.
        generation_id: of the generation to be.
        now: when it came.
    """
    with process_spools().scope(str(tenant_id)) as spools:
        images = inputs.of_files(files, spools)
        placeholders = [one.placeholder for one in images.found]
        here = sync_to_async(functools.partial(submit, placeholders))
        admit = async_to_sync(_with_images)
        return admit(images, here, lane=tenant_id, generation_id=generation_id, now=now)


async def _with_images(
    images: Inputs,
    submit: Callable[[Rows], Awaitable[Admitted]],
    *,
    lane: object,
    generation_id: GenerationId,
    now: datetime,
) -> Admitted:
    """Verify and store reference images, then submit; a refusal leaves none on storage."""
    try:
        await images.verify(lane)
        found = await submit(await images.store(generation_id, now))
        if not found.is_new:
            await images.forget()
    except Exception:  # not when the caller leaves: the admission may still succeed without them
        await images.forget()
        raise
    return found


async def in_turn(call: Call, work: Callable[[], T]) -> T:
    """Run work in the admission pool, in the tenant's turn."""
    return await pools.admission().run(lanes.of(call.key), work)


def _attended(call: Call, generation_id: GenerationId) -> Call:
    """The call with its caller attended; not with an idempotency key, which a retry repeats."""
    if call.idempotency_key is not None:
        return call
    return replace(call, attendance=callers.attend(generation_id, call.on_end))


def _prepare(call: Call) -> Prepared:
    """Who calls, how often, and with what: everything that needs no money."""
    caller = call.authenticated("images:write")
    lanes.learn(call.key, caller)
    try:
        request = call.parse(call.body)
    except PictorError:
        call.headers.update(rates.take(caller, images=0))  # it counts too, and says what is left
        raise
    call.headers.update(rates.take(caller, images=request.get("n", 1)))
    return Prepared(caller, request)


def _submit_at_once(call: Call, generation_id: GenerationId) -> Admitted | Prepared:
    """All of admission where it need not wait: for storage, or for a process that may be dead."""
    prepared = _prepare(call)
    if prepared.has_images:
        if call.idempotency_key is None and not call.is_retry:
            # Refused at once, before its images cost anything, if it cannot be an earlier one.
            quoted_order(caller=prepared.caller, request=prepared.request, now=clock.now())
        return prepared
    inputs.check_no_long_text(prepared.request, call.body)
    try:
        return _submit(call, prepared, generation_id, clock.now(), [])
    except Undecided:
        return prepared


def _submit_later(
    call: Call,
    prepared: Prepared,
    generation_id: GenerationId,
    now: datetime,
    rows: Rows,
) -> Admitted:
    """The rest of admission, after a wait: the key may have been revoked or narrowed meanwhile."""
    known = replace(prepared, caller=call.authenticated("images:write"))
    return _submit(call, known, generation_id, now, rows)


def _submit(
    call: Call,
    prepared: Prepared,
    generation_id: GenerationId,
    now: datetime,
    rows: Rows,
) -> Admitted:
    submission = Submission(
        request=prepared.request,
        request_id=call.request_id,
        idempotency_key=call.idempotency_key,
        attendance=call.attendance,
        is_retry=call.is_retry,
        inputs=rows,
        is_streamed=bool(prepared.request.get("stream")) and call.prefer.wait_seconds is None,
    )
    return pipeline.submit(
        caller=prepared.caller, submission=submission, generation_id=generation_id, now=now
    )
