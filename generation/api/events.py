"""`stream: true`: server-sent events, a comment at once and every 15 s, then each image.

Each image is one `image_generation.completed` event whose base64 is streamed from storage like a
JSON answer's. What goes wrong after admission is an event with an `error` object.
"""

import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

from django.http import StreamingHttpResponse

from generation.api import render
from generation.api.waiting import Ticket
from generation.models import State
from generation.selectors import Finished
from pictor.kit import api_errors
from storage.models import StoredImage

COMMENT_SECONDS = 15.0
COMPLETED = "image_generation.completed"
_COMMENT = b": waiting\n\n"


def streamed(
    ticket: Ticket, finished: Finished | None, *, seconds: float, headers: dict[str, str]
) -> StreamingHttpResponse:
    """The answer as events. Takes the ticket over and closes it at the end."""
    return StreamingHttpResponse(
        _events(ticket, finished, seconds),
        content_type="text/event-stream",
        headers={**headers, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _events(
    ticket: Ticket, finished: Finished | None, seconds: float
) -> AsyncIterator[bytes]:
    yield _COMMENT
    try:
        left = seconds
        while finished is None and left > 0:
            finished = await ticket.wait(min(COMMENT_SECONDS, left))
            left -= COMMENT_SECONDS
            if finished is None:
                yield _COMMENT
    finally:
        ticket.close()
    if finished is None:
        yield _event("error", {"type": "error", **api_errors.body_of(render.NOT_READY)})
    elif finished.generation.state != State.SUCCEEDED or not finished.images:
        yield _event("error", {"type": "error", **render.error_body(finished.generation)})
    else:
        for index, image in enumerate(finished.images):
            async for chunk in _completed(finished, index, image):
                yield chunk


def _event(name: str, data: dict[str, Any]) -> bytes:
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\ndata: {body}\n\n".encode()


async def _completed(finished: Finished, index: int, image: StoredImage) -> AsyncIterator[bytes]:
    mark = secrets.token_hex(16)
    answer = finished.generation.answer or {}
    data = {
        "type": COMPLETED,
        "b64_json": mark,
        "created_at": answer["created"],
        "size": f"{image.width}x{image.height}",
        "quality": answer.get("quality", "auto"),
        "background": answer.get("background", "auto"),
        "output_format": answer["output_format"],
        "usage": share_of_usage(answer["usage"], index, len(finished.images)),
    }
    head, tail = _event(COMPLETED, data).split(mark.encode())
    yield head
    async for chunk in render.encoded(image):
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
