"""/v1/images/generations: parse, call the pipeline, wait, render."""

import asyncio
import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase

from accounts import rates
from accounts.selectors import Caller
from generation import notify, pipeline, selectors, settlement
from generation.admission import orphans
from generation.admission.orphans import Undecided
from generation.admission.service import Admitted, Submission, quoted_order
from generation.api import events, inputs, render, schema, serializers
from generation.api.callers import callers
from generation.api.calls import Call, Page, by_method, lanes
from generation.api.waiting import Ticket, hub
from generation.models import Generation
from generation.selectors import Finished
from pictor.kit import api_errors, clock, ids, pools
from pictor.kit.errors import NotCancelable, NotFound, PictorError
from pictor.kit.http import HttpPool
from pictor.kit.ids import GenerationId
from pictor.kit.spools import process_spools
from storage.services import delete_for_generation

T = TypeVar("T")
UNDECIDED_SECONDS = 0.5
"""Until the next look at a web process that may have died."""


async def create(request: ASGIRequest, default_model: str | None = None) -> HttpResponseBase:
    """POST: admit, wait, answer."""
    call = Call.of(request, default_model=default_model)
    ticket = hub.ticket()  # registered before the commit: no wake-up is missed
    is_taken_over = False
    try:
        call = _attended(call, ticket.id)
        admitted = await _admitted(call, ticket.id)
        if not admitted.is_new:
            ticket.watch(admitted.generation.id)
        if admitted.is_streamed and call.prefer.wait_seconds is None:
            is_taken_over = True
            return await _stream(ticket, admitted)
        return await _answer(call, ticket, admitted)
    finally:
        if not is_taken_over:
            ticket.close()


async def _answer(call: Call, ticket: Ticket, admitted: Admitted) -> HttpResponseBase:
    finished = await _finished(call, ticket, admitted)
    is_replay = not admitted.is_new
    if finished is not None:
        return await render.answer(finished, is_replay=is_replay)
    if call.prefer.wait_seconds is not None:
        applied = call.prefer.applied
        return render.accepted(admitted.generation, applied=applied, is_replay=is_replay)
    return render.too_late(admitted.generation, is_replay=is_replay)


async def _stream(ticket: Ticket, admitted: Admitted) -> HttpResponseBase:
    is_final = admitted.generation.is_final
    return events.streamed(
        ticket,
        await pools.views(_with_images, admitted) if is_final else None,
        seconds=settings.WAIT_LIMIT_SECONDS,
        headers=render.headers_of(admitted.generation, is_replay=not admitted.is_new),
    )


@dataclass(frozen=True, slots=True)
class Prepared:
    """A caller that may, and the typed fields of their request; nothing is written yet."""

    caller: Caller
    request: dict[str, Any]

    @property
    def has_images(self) -> bool:
        """Whether reference images must go to storage before admission."""
        return any(name in self.request for name in inputs.FIELDS)


def _attended(call: Call, generation_id: GenerationId) -> Call:
    """The call with its caller attended; not with an idempotency key, which a retry repeats."""
    if call.idempotency_key is not None:
        return call
    return replace(call, attendance=callers.attend(generation_id, call.on_end))


async def _admitted(call: Call, generation_id: GenerationId) -> Admitted:
    outcome = await _in_turn(call, functools.partial(_submit, call, generation_id))
    if isinstance(outcome, Admitted):
        return outcome
    now = clock.now()
    images = await pools.storage(inputs.extract, outcome.request, call.body, process_spools())
    try:
        await images.check_addresses(_http())
        rows = await images.store(generation_id, now)
        admitted = await _committed(
            call, functools.partial(_commit, call, outcome, generation_id, now, rows)
        )
        if not admitted.is_new:
            await images.forget()
    except Exception:  # not when the caller leaves: the admission may still succeed without them
        await images.forget()
        raise
    finally:
        images.close()
    return admitted


async def _committed(call: Call, commit: Callable[[], Admitted]) -> Admitted:
    while True:
        try:
            return await _in_turn(call, commit)
        except Undecided:
            await asyncio.sleep(UNDECIDED_SECONDS)


async def _in_turn(call: Call, work: Callable[[], T]) -> T:
    return await pools.admission().run(lanes.of(call.key), work)


def _prepare(call: Call) -> Prepared:
    """Who calls, how often, and with what: everything that needs no money."""
    caller = call.authenticated("images:write")
    lanes.learn(call.key, caller)
    try:
        request = serializers.parse(call.body.fields(), default_model=call.default_model)
    except PictorError:
        call.headers.update(rates.take(caller, images=0))  # it counts, and says how many are left
        raise
    call.headers.update(rates.take(caller, images=request.get("n", 1)))
    return Prepared(caller, request)


def _submit(call: Call, generation_id: GenerationId) -> Admitted | Prepared:
    """What needs no wait in between: for storage, or for news of a process that may be dead."""
    prepared = _prepare(call)
    if prepared.has_images:
        return prepared
    inputs.check_no_long_text(prepared.request, call.body)
    try:
        return _commit(call, prepared, generation_id, clock.now(), [])
    except Undecided:
        return prepared


def _commit(
    call: Call,
    prepared: Prepared,
    generation_id: GenerationId,
    now: datetime,
    rows: list[dict[str, Any]],
) -> Admitted:
    submission = Submission(
        request=prepared.request,
        request_id=call.request_id,
        idempotency_key=call.idempotency_key,
        attendance=call.attendance,
        is_retry=call.is_retry,
        inputs=rows,
    )
    return pipeline.submit(
        caller=prepared.caller, submission=submission, generation_id=generation_id, now=now
    )


async def quote(request: ASGIRequest) -> HttpResponseBase:
    """POST /v1/images/quote: what the same body would cost. Spends and holds nothing."""
    call = Call.of(request)

    def read() -> tuple[dict[str, Any], inputs.Inputs]:
        caller = call.authenticated("images:write")
        fields = serializers.parse(call.body.fields(), default_model=None)
        images = inputs.extract(fields, call.body, process_spools())
        images.close()
        quoted = quoted_order(caller=caller, request=fields, now=clock.now())
        return render.quote_object(quoted), images

    answer, images = await _in_turn(call, read)
    await images.check_addresses(_http())
    return api_errors.json_response(answer)


async def _finished(call: Call, ticket: Ticket, admitted: Admitted) -> Finished | None:
    """The finished generation, as soon as it is and at most as long as the caller waits."""
    if admitted.generation.is_final:
        return await pools.views(_with_images, admitted)
    seconds = call.prefer.wait_seconds
    limit = settings.WAIT_LIMIT_SECONDS
    if seconds == 0:
        return None
    return await ticket.wait(limit if seconds is None else min(seconds, limit))


def _with_images(admitted: Admitted) -> Finished:
    (finished,) = selectors.with_images([admitted.generation])
    return finished


async def retrieve(request: ASGIRequest, public_id: str) -> HttpResponseBase:
    """GET by id: the generation object, with its result once there is one."""
    call = Call.of(request)

    def read() -> HttpResponseBase:
        caller = call.authenticated("images:read")
        return _shown(_theirs(caller, public_id))

    return await pools.views(read)


async def cancel(request: ASGIRequest, public_id: str) -> HttpResponseBase:
    """POST …/cancel: end what has not been sent to an upstream, and release its hold."""
    call = Call.of(request)

    def write() -> HttpResponseBase:
        caller = call.authenticated("images:write")
        generation = _theirs(caller, public_id).generation
        if not settlement.cancel(generation=generation, now=clock.now()):
            raise NotCancelable("This generation was sent to an upstream already, or has ended.")
        notify.wake([generation.id])
        return _shown(_theirs(caller, public_id))

    return await pools.views(write)


async def delete(request: ASGIRequest, public_id: str) -> HttpResponseBase:
    """DELETE: remove the stored images of a generation that has ended; its bill stays."""
    call = Call.of(request)

    def write() -> Generation:
        caller = call.authenticated("images:write")
        generation = _theirs(caller, public_id).generation
        if not generation.is_final:
            raise NotCancelable("This generation has not ended yet.")
        orphans.forget([generation.id])
        delete_for_generation(
            tenant_id=caller.tenant_id, generation_id=generation.id, now=clock.now()
        )
        return generation

    generation = await pools.views(write)
    return api_errors.json_response(
        {"id": generation.public_id, "object": "image.generation", "deleted": True},
        headers=render.headers_of(generation),
    )


def _theirs(caller: Caller, public_id: str) -> Finished:
    """The caller's generation of that id; another tenant's is as unknown as none."""
    generation_id: UUID | None = ids.parse(ids.GENERATION, public_id)
    found = generation_id and selectors.generation_of(caller.tenant_id, generation_id)
    if not found:
        raise NotFound("There is no generation of that id.", param="id")
    return found


def _shown(finished: Finished) -> HttpResponseBase:
    return api_errors.json_response(
        render.generation_object(finished), headers=render.headers_of(finished.generation)
    )


async def index(request: ASGIRequest, default_model: str | None = None) -> HttpResponseBase:
    """GET: the tenant's generations, newest first, a page at a time."""
    call = Call.of(request)
    page = Page.of(request)

    def read() -> dict[str, Any]:
        caller = call.authenticated("images:read")
        rows = selectors.generations_of(caller.tenant_id)
        if page.after is not None:
            rows = rows.filter(id__lt=page.after)
        found = list(rows[: page.limit + 1])
        shown = selectors.with_images(found[: page.limit])
        return render.list_object(shown, has_more=len(found) > page.limit)

    return api_errors.json_response(await pools.views(read))


@cache
def _http() -> HttpPool:
    return HttpPool(egress_allow=settings.EGRESS_ALLOW)


generations = by_method(schema.GenerationsDescription, POST=create, GET=index)
quotes = by_method(schema.QuoteDescription, POST=quote)
generation = by_method(schema.GenerationDescription, GET=retrieve, DELETE=delete)
cancellation = by_method(schema.CancelDescription, POST=cancel)
