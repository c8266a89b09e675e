"""Answers in OpenAI's shape, from finished generations.

`url` answers are presigned now, never stored. `b64_json` answers are streamed from storage and
re-encoded in chunks of a multiple of 3 bytes, with a Content-Length worked out beforehand, so no
image is ever whole in memory.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any

import pybase64
from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from generation.admission.service import Quoted
from generation.catalogue.contracts import AUTO
from generation.models import Generation, State
from generation.selectors import Finished
from pictor.kit import api_errors, clock, pools
from pictor.kit.errors import GenerationTimeout, NotFound, Unavailable
from pictor.kit.money import to_decimal
from storage.models import StoredImage
from storage.services import ObjectMissing, StorageFailed, open_stream, signed_url


def headers_of(generation: Generation, *, is_replay: bool = False) -> dict[str, str]:
    """What every answer about a generation says in its headers."""
    headers = {"x-pictor-generation-id": generation.public_id}
    if generation.captured_micros is not None:
        headers["x-pictor-charge"] = to_decimal(generation.captured_micros)
    if is_replay:
        headers["Idempotent-Replayed"] = "true"
    return headers


def accepted(generation: Generation, *, applied: str, is_replay: bool) -> HttpResponse:
    """202: the generation object and where to find it."""
    headers = {
        **headers_of(generation, is_replay=is_replay),
        "Location": f"/v1/images/generations/{generation.public_id}",
        "Preference-Applied": applied,
    }
    return api_errors.json_response(
        generation_object(Finished(generation)), status=202, headers=headers
    )


FIRST_CHUNK_SECONDS = 15.0
"""A caller waits so long for storage before the answer begins."""
NOT_READY = GenerationTimeout(
    "The image is not ready yet. It goes on and can be fetched later:"
    " GET /v1/images/generations/ID, with the id of the x-pictor-generation-id header."
)


def deleted() -> NotFound:
    """There were images, and somebody deleted them or their time was up."""
    return NotFound("The images of this generation have been deleted.")


def too_late(generation: Generation, *, is_replay: bool) -> HttpResponse:
    """504: the caller waited as long as callers may; the generation goes on."""
    headers = {**api_errors.headers_of(NOT_READY), **headers_of(generation, is_replay=is_replay)}
    return api_errors.json_response(
        api_errors.body_of(NOT_READY), status=NOT_READY.status, headers=headers
    )


def quote_object(quoted: Quoted) -> dict[str, Any]:
    """What a request would cost: `price` per image at most, `hold` in all."""
    order, quote = quoted.order, quoted.quote
    return {
        "object": "image.quote",
        "model": order.model,
        "size": order.size,
        "requested_size": order.size_requested,
        "tier": order.tier,
        "quality": order.quality,
        "n": order.n,
        "unit_price": to_decimal(quote.unit),
        "price": to_decimal(quote.total),
        "hold": to_decimal(quote.total),
        "quality_held": quote.quality_held,
        "is_final": AUTO not in {order.size, order.quality},
        "size_plan": quoted.plan.plan,
        "upstream_size": quoted.plan.upstream_size,
        "currency": "USD",
    }


async def answer(finished: Finished, *, is_replay: bool) -> HttpResponseBase:
    """The answer of a synchronous call: images, or the error the generation ended with."""
    generation = finished.generation
    headers = headers_of(generation, is_replay=is_replay)
    if generation.state != State.SUCCEEDED:
        return _error(generation, headers)
    if not finished.images:
        raise deleted()
    if generation.response_format == "b64_json":
        return await _streamed(finished, headers)
    return api_errors.json_response(result(finished), headers=headers)


def result(finished: Finished) -> dict[str, Any]:
    """The answer with presigned urls."""
    now = clock.now()
    data = []
    for image in finished.images:
        item = {"url": signed_url(image.object_key, content_type=image.content_type)}
        data.append(_with_revised_prompt(item, image))
    body = _frame(finished.generation, data)
    body["metadata"]["url_expires_at"] = int(now.timestamp()) + settings.URL_EXPIRY_SECONDS
    return body


def generation_object(finished: Finished) -> dict[str, Any]:
    """`object: "image.generation"`: what GET by id, the list and 202 answers show."""
    row = finished.generation
    is_done = row.state == State.SUCCEEDED
    return {
        "id": row.public_id,
        "object": "image.generation",
        "status": row.state,
        "created": _seconds(row.created_at),
        "started": _seconds(row.started_at),
        "finished": _seconds(row.finished_at),
        "model": row.model,
        "size": row.size_requested,
        "quality": row.quality_billed or row.quality_requested,
        "n": row.n,
        "quoted": to_decimal(row.held_micros),
        "held": to_decimal(0 if row.is_final else row.held_micros),
        "captured": to_decimal(row.captured_micros or 0),
        "currency": "USD",
        "result": result(finished) if is_done and finished.images else None,
        "error": _public_error(row.error),
    }


def list_object(found: Sequence[Finished], *, has_more: bool) -> dict[str, Any]:
    """A page of generation objects."""
    data = [generation_object(one) for one in found]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }


def _frame(generation: Generation, data: list[dict[str, Any]]) -> dict[str, Any]:
    stored = generation.answer or {}
    captured = to_decimal(generation.captured_micros or 0)
    body = {"created": stored["created"], "data": data}
    for name in ("size", "quality", "background", "output_format"):
        if name in stored:
            body[name] = stored[name]
    body["usage"] = {**stored["usage"], "cost": captured}
    body["metadata"] = {"generation_id": generation.public_id, **stored["metadata"]}
    return body


def _with_revised_prompt(item: dict[str, Any], image: StoredImage) -> dict[str, Any]:
    if image.revised_prompt:
        item["revised_prompt"] = image.revised_prompt
    return item


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def _public_error(error: dict[str, Any] | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {name: error[name] for name in ("message", "type", "param", "code")}


_CANCELED: dict[str, Any] = {
    "status": 409,
    "message": "The generation was canceled. You were not charged.",
    "type": "invalid_request_error",
    "param": None,
    "code": "canceled",
}


def error_body(generation: Generation) -> dict[str, Any]:
    """{"error": {…}} of a generation that brought no image."""
    return {"error": _public_error(generation.error or _CANCELED)}


def _error(generation: Generation, headers: dict[str, str]) -> HttpResponse:
    return api_errors.json_response(
        error_body(generation),
        status=(generation.error or _CANCELED)["status"],
        headers={**headers, "x-should-retry": "false"},
    )


# --- b64_json ---------------------------------------------------------------------------------


async def _streamed(finished: Finished, headers: dict[str, str]) -> StreamingHttpResponse:
    # Before the status is sent: storage may have none for us.
    first = await begun(finished, finished.images[0])
    mark = secrets.token_hex(16)
    data = [_with_revised_prompt({"b64_json": mark}, image) for image in finished.images]
    frame = json.dumps(_frame(finished.generation, data), ensure_ascii=False, separators=(",", ":"))
    parts = [part.encode() for part in frame.split(mark)]
    length = sum(map(len, parts)) + sum(
        _base64_length(image.size_bytes) for image in finished.images
    )
    return StreamingHttpResponse(
        _body(parts, finished, first),
        content_type="application/json",
        headers={**headers, "Content-Length": str(length)},
    )


def _base64_length(size_bytes: int) -> int:
    return (size_bytes + 2) // 3 * 4


async def _body(
    parts: list[bytes], finished: Finished, first: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    for index, (part, image) in enumerate(zip(parts, finished.images, strict=False)):
        yield part
        async for chunk in encoded(image) if index else first:
            yield chunk
    yield parts[-1]


async def begun(finished: Finished, image: StoredImage) -> AsyncIterator[bytes]:
    """An image's base64 with its first chunk in hand. Raises NotFound and Unavailable."""
    chunks = encoded(image)
    try:
        async with asyncio.timeout(FIRST_CHUNK_SECONDS):
            head = await anext(chunks)
    except ObjectMissing:
        raise deleted() from None
    except (StorageFailed, TimeoutError):
        raise Unavailable(
            "The image is stored, but cannot be read at the moment. Fetch it later:"
            f" GET /v1/images/generations/{finished.generation.public_id}",
            should_retry=False,
        ) from None
    return _joined(head, chunks)


async def _joined(head: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in chunks:
        yield chunk


async def encoded(image: StoredImage) -> AsyncIterator[bytes]:
    """An image's bytes from storage as base64, in chunks that join without padding between."""
    chunks = await pools.storage(open_stream, image.object_key)
    try:
        while chunk := await pools.storage(_next_encoded, chunks):
            yield chunk
    finally:
        chunks.close()


def _next_encoded(chunks: Iterator[bytes]) -> bytes:
    """The next chunk as base64, empty at the end. Every chunk but the last is a multiple of 3."""
    return pybase64.b64encode(next(chunks, b""))
