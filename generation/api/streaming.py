"""`stream: true`: server-sent events, a comment at once and every 15 s, then each image.

Partial images come as they are made, one `image_generation.partial_image` event each. Each finished
image is one `image_generation.completed` event; those of edits are `image_edit.…`. The base64 of
both is streamed from storage like a JSON answer's. An error after admission is an event with an
`error` object, unless storage fails in the middle of an image: then the stream just ends. An
unreadable partial image is left out.
"""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from django.http import StreamingHttpResponse

from generation.api import base64_body, render
from generation.api.objects import (
    CompletedEvent,
    EditCompletedEvent,
    EditPartialImageEvent,
    ErrorEvent,
    PartialImageEvent,
)
from generation.api.shown import Result
from generation.api.waiting import Ticket
from generation.catalogue.contracts import AUTO
from generation.channels.declaration import Task
from generation.lifecycle.partial_news import PartialImage
from generation.models import State
from generation.selectors import Finished
from pictor.kit.endpoints import errors as api_errors
from pictor.kit.words.errors import PictorError
from storage.models import StoredImage
from storage.services import StorageFailed

logger = logging.getLogger(__name__)

COMMENT_SECONDS = 15.0
PARTIAL_READ_SECONDS = 3.0
"""A partial image whose first bytes take longer is left out: the finished one must not wait."""
PARTIAL = {Task.GENERATE: PartialImageEvent, Task.EDIT: EditPartialImageEvent}
COMPLETED = {Task.GENERATE: CompletedEvent, Task.EDIT: EditCompletedEvent}
"""Variations are not streamed."""
_COMMENT = b": waiting\n\n"


def streamed(
    ticket: Ticket,
    finished: Finished | None,
    *,
    task: Task,
    seconds: float,
    headers: dict[str, str],
) -> StreamingHttpResponse:
    """The answer as events. Takes the ticket over and closes it at the end."""
    if finished is None:
        ticket.follow()
    return StreamingHttpResponse(
        _events(ticket, finished, task, seconds),
        content_type="text/event-stream",
        headers={**headers, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _events(
    ticket: Ticket, finished: Finished | None, task: Task, seconds: float
) -> AsyncIterator[bytes]:
    yield _COMMENT
    try:
        ends_at = time.monotonic() + seconds
        while finished is None and (left := ends_at - time.monotonic()) > 0:
            news = await ticket.news(min(COMMENT_SECONDS, left))
            if isinstance(news, PartialImage):
                async for chunk in _partial(news, task):
                    yield chunk
            elif news is None:
                yield _COMMENT
            finished = news if isinstance(news, Finished) else None
    finally:
        ticket.close()
    async for chunk in _ending(finished):
        yield chunk


async def _ending(finished: Finished | None) -> AsyncIterator[bytes]:
    """The images, or the error instead."""
    if finished is None:
        yield _failure(api_errors.body_of(render.NOT_READY))
    elif finished.generation.state != State.SUCCEEDED:
        yield _failure(render.error_body(finished.generation))
    else:
        try:
            if not finished.images:
                raise base64_body.deleted()
            for index, image in enumerate(finished.images):
                async for chunk in _image_event(finished, index, image):
                    yield chunk
        except PictorError as error:
            yield _failure(api_errors.body_of(error))


def _failure(body: Mapping[str, Any]) -> bytes:
    return _event("error", ErrorEvent.render(body))


def _event(name: str, data: dict[str, Any]) -> bytes:
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\ndata: {body}\n\n".encode()


async def _partial(partial: PartialImage, task: Task) -> AsyncIterator[bytes]:
    """One event, or nothing if the object cannot be read."""
    mark = secrets.token_hex(16)
    event = PARTIAL[task].render({"partial": partial, "b64_json": mark})
    head, tail = _event(event["type"], event).split(mark.encode())
    chunks = base64_body.encode(StoredImage(object_key=partial.key))
    try:
        async with asyncio.timeout(PARTIAL_READ_SECONDS):
            first = await anext(chunks, b"")
    except (StorageFailed, TimeoutError) as error:
        logger.warning("a partial image could not be read: %r", error)
        return
    if not first:
        return
    yield head + first
    async for chunk in chunks:
        yield chunk
    yield tail


async def _image_event(finished: Finished, index: int, image: StoredImage) -> AsyncIterator[bytes]:
    mark = secrets.token_hex(16)
    answer, facts = finished.generation.answer or {}, Result(finished.generation, ()).metadata
    event = COMPLETED[Task(finished.generation.task)].render(
        {
            "b64_json": mark,
            "image": image,
            "answer": {"quality": AUTO, "background": AUTO, **answer},
            "usage": share_of_usage(answer["usage"], index, len(finished.images)),
            "metadata": {
                name: [found[index]]
                for name in ("seeds", "content_credentials")
                if (found := facts.get(name)) and found[index] is not None
            },
        }
    )
    head, tail = _event(event["type"], event).split(mark.encode())
    chunks = await base64_body.begin(
        finished, image
    )  # before the event: storage may have none for us
    yield head
    async for chunk in chunks:
        yield chunk
    yield tail


def share_of_usage(usage: dict[str, Any], index: int, images: int) -> dict[str, Any]:
    """One image's part: the shares add up to the whole, the input is the first image's."""
    each, rest = divmod(usage["output_tokens"], images)
    output = each + (rest if index == 0 else 0)
    is_first = index == 0
    details = usage["input_tokens_details"]
    entry = usage["input_tokens"] if is_first else 0
    return {
        "input_tokens": entry,
        "output_tokens": output,
        "total_tokens": entry + output,
        "input_tokens_details": {name: count if is_first else 0 for name, count in details.items()},
    }
