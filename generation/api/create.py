"""POST /v1/images/generations: admit, wait, answer. Edits and variations do the same."""

from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter

from generation import pipeline, selectors
from generation.admission.arrival import Arrival, Parse
from generation.admission.prefer import Prefer
from generation.admission.service import Admitted
from generation.api import render, requests, streaming
from generation.api.objects import (
    CompletedEvent,
    ErrorEvent,
    GenerationObject,
    ImagesAnswer,
    PartialImageEvent,
)
from generation.api.requests import DEFAULT_MODEL, GenerationRequest
from generation.api.waiting import Ticket, hub
from generation.channels.declaration import Task
from generation.selectors import Finished
from pictor.kit.database import pools
from pictor.kit.endpoints.documents import WHOLE_NUMBER, answered, described
from pictor.kit.words.errors import (
    Canceled,
    GenerationTimeout,
    IdempotencyKeyReused,
    InsufficientQuota,
    ModelSunset,
    NoChannelAvailable,
    NotFound,
    Paused,
    UpstreamFailed,
)

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "header",
    description="1 to 255 visible ASCII characters, remembered for 24 hours.",
)
PREFER = OpenApiParameter(
    "Prefer", str, "header", description="`respond-async`, or `wait=N` to wait at most N seconds."
)


RATES: Mapping[str, Mapping[str, str]] = {
    "limit": WHOLE_NUMBER,
    "remaining": WHOLE_NUMBER,
    "reset": {"type": "string", "pattern": "^[0-9]+s$"},
}
ANSWERED = (
    *render.about_one([200, 202, 400, 404, 409, 502, 503, 504]),
    answered("Idempotent-Replayed", [200, 202], "`true`: nothing was made or charged again."),
    answered("Location", [202], "The generation's address."),
    answered("Preference-Applied", [202], "The preferences that were applied."),
    *render.of_life([200, 202, 400, 404, 409, 410, 502, 503, 504]),
    *(
        answered(
            f"x-ratelimit-{what}-{of}", [200, 202, 429], f"Your {of} per minute: {what}.", schema
        )
        for of in ("requests", "images")
        for what, schema in RATES.items()
    ),
)
ERRORS = (
    NotFound,
    ModelSunset,
    Canceled,
    IdempotencyKeyReused,
    InsufficientQuota,
    UpstreamFailed,
    NoChannelAvailable,
    Paused,
    GenerationTimeout,
)
"""The errors of a request for images, besides those of every request."""
EVENTS = {
    "image_generation.partial_image": PartialImageEvent,
    "image_generation.completed": CompletedEvent,
    "error": ErrorEvent,
}


@described(
    "create_generation",
    summary="Generate images",
    body=GenerationRequest,
    parameters=[IDEMPOTENCY_KEY, PREFER, *ANSWERED],
    events=EVENTS,
    answers={200: ImagesAnswer, 202: GenerationObject},
    errors=ERRORS,
)
async def create(request: ASGIRequest) -> HttpResponseBase:
    """Generate images and wait for them. The charge follows the images that were delivered.

    With `stream`, the answer is server-sent events: up to `partial_images` events
    `image_generation.partial_image` for each image while it is made, if the model's channel
    supports them, then one `image_generation.completed` for each. Partial images are free. With a
    trailing slash in the path, a body without a model is for gpt-image-2-origin.
    """
    return await respond(request, parse=requests.generation)


async def create_with_usual_model(request: ASGIRequest) -> HttpResponseBase:
    """The same path with a trailing slash: a body need not name a model."""
    parse = partial(requests.generation, default_model=DEFAULT_MODEL)
    return await respond(request, parse=parse)


async def respond(request: ASGIRequest, *, parse: Parse) -> HttpResponseBase:
    """Admit the request, wait as long as the caller does, and answer."""
    ticket = hub.ticket()  # registered before the commit: no wake-up is missed
    is_taken_over = False
    try:
        arrival = Arrival.attended(request, parse=parse, generation_id=ticket.id)
        admitted = await pipeline.submit(arrival, generation_id=ticket.id)
        request.scope["pictor.headers"].update(render.headers_once_admitted(admitted))
        ticket.watch(admitted.generation.id)
        if admitted.is_streamed:
            is_taken_over = True
            return await _stream(ticket, admitted)
        answering = _answer(arrival.prefer, ticket, admitted)
        del arrival, admitted  # thousands may wait, and no longer need either
        return await answering
    finally:
        if not is_taken_over:
            ticket.close()


def _answer(
    prefer: Prefer, ticket: Ticket, admitted: Admitted
) -> Coroutine[Any, Any, HttpResponseBase]:
    if admitted.generation.is_final:
        return _again(admitted)
    if prefer.wait_seconds is None:
        return _finished(ticket, admitted.generation.id, is_replay=not admitted.is_new)
    return _preferred(prefer, ticket, admitted)


async def _again(admitted: Admitted) -> HttpResponseBase:
    """A replay of one that has ended."""
    return await render.answer(await pools.views(_with_images, admitted), is_replay=True)


async def _finished(ticket: Ticket, generation_id: UUID, *, is_replay: bool) -> HttpResponseBase:
    """The finished generation, if that is as soon as callers may wait for it."""
    finished = await ticket.wait(settings.WAIT_LIMIT_SECONDS)
    if finished is None:
        return render.too_late(generation_id, is_replay=is_replay)
    return await render.answer(finished, is_replay=is_replay)


async def _preferred(prefer: Prefer, ticket: Ticket, admitted: Admitted) -> HttpResponseBase:
    """The generation, finished or as it is when its caller's wait ends."""
    seconds = min(prefer.wait_seconds or 0, settings.WAIT_LIMIT_SECONDS)
    finished = await ticket.wait(seconds) if seconds else None
    if seconds and finished is None:
        finished = await pools.views(_present, admitted)
    is_replay = not admitted.is_new
    if finished is None or not finished.generation.is_final:
        generation = finished.generation if finished else admitted.generation
        return render.accepted(generation, applied=prefer.applied, is_replay=is_replay)
    return await render.answer(finished, is_replay=is_replay)


async def _stream(ticket: Ticket, admitted: Admitted) -> HttpResponseBase:
    is_final = admitted.generation.is_final
    return streaming.streamed(
        ticket,
        await pools.views(_with_images, admitted) if is_final else None,
        task=Task(admitted.generation.task),
        seconds=settings.WAIT_LIMIT_SECONDS,
        headers=render.headers_of(admitted.generation, is_replay=not admitted.is_new),
    )


def _present(admitted: Admitted) -> Finished | None:
    generation = admitted.generation
    return selectors.generation_of(generation.tenant_id, generation.id)


def _with_images(admitted: Admitted) -> Finished:
    (finished,) = selectors.with_images([admitted.generation])
    return finished
