"""fal's queue: images go up, an order, looks at it, its result. Pure.

    POST /openai/gpt-image-2 → {"request_id", "status_url", "response_url", "cancel_url"}
    GET status_url → {"status": "IN_QUEUE" | "IN_PROGRESS" | "COMPLETED"}, which may be a failure
    GET response_url → {"images": [{"url": …}], "seed": 1, "has_nsfw_concepts": [false]}

Sources: fal, "Asynchronous Inference", "Request Error Types", "Model Errors", "FAQ" (5xx are never
charged, 422 may be), "Platform Headers", "fal CDN" (30 November 2026); fal-client 1.0.3.
"""

import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from generation.channels.answers import at, entries_at, seed_in, text_at
from generation.channels.base import ChannelConfig, Job, LargeValue, UpstreamRequest
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.wires import (
    NO_FACTS,
    Call,
    Found,
    Images,
    Reply,
    Steps,
    given,
    post,
    refusal,
)
from pictor.kit.outbound.http import Payload
from pictor.kit.words.money import Micros

_LIFETIME = {"X-Fal-Object-Lifecycle-Preference": '{"expiration_duration_seconds":3600}'}
# By both of their documents: no other model may answer.
_NO_FALLBACK = {"x-fal-disable-fallbacks": "true", "x-app-fal-disable-fallback": "true"}
_NEVER_BEGAN = ("start deadline", "runner_scheduling_failure", "startup_timeout")
_NO_PICTURE = (
    "no_media_generated", "file_download_error", "generation_timeout", "downstream_service_error",
    "downstream_service_unavailable",
)  # fmt: skip
_CLASS_OF = {
    **dict.fromkeys(_NEVER_BEGAN, AttemptClass.REFUSED),
    **dict.fromkeys(_NO_PICTURE, AttemptClass.BAD_RESULT),
    "nsfw": AttemptClass.MODERATED,
    "no upload": AttemptClass.REFUSED,
}
_RESULTS = {200, 400, 422}
"""Statuses of results that say what the order came to."""
_UNITS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,9})?")
_SIZE = re.compile("([0-9]{1,5})x([0-9]{1,5})")


class FalWire:
    """One account at fal."""

    def __init__(self, account: ChannelConfig) -> None:
        self._account = account
        self._key = {"Authorization": f"Key {account.api_key}"}

    def make(self, request: UpstreamRequest) -> Steps:
        """Upload the images, order, and follow the order."""
        addresses = yield from self._uploaded(request.images)
        model = self._account.upstream_models.get(request.model, request.model)
        wait = self._account.queue_seconds or self._account.timeout_seconds
        start = {"X-Fal-Request-Timeout": str(wait)}
        reply = yield post(
            f"{self._account.base_url.rstrip('/')}/{quote(model)}",
            self._key | _LIFETIME | _NO_FALLBACK | start,
            _fields(request, model, addresses),
            is_order=True,
        )
        if not reply.is_good:
            raise _refusal(reply, asked=request.prompt)
        keys = ("request_id", "status_url", "response_url", "cancel_url")
        name, look, result, stop = (text_at(reply.document, key) for key in keys)
        if not (name and look and result):
            raise UpstreamError(AttemptClass.UNKNOWN, "the order's answer names no address")
        job = Job(name, look, result, stop)
        yield job
        return (yield from self.resume(job, request))

    def resume(self, job: Job, request: UpstreamRequest) -> Steps:
        """Follow an order to its result."""
        while True:
            reply = yield Call("GET", job.look, self._key)
            status = text_at(reply.document, "status")
            if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not _is_late(reply):
                continue  # which says nothing of the order
            if not reply.is_good:
                raise _refusal(reply, asked=request.prompt, is_ordered=True)
            if status == "COMPLETED":
                break
            if status not in {"IN_QUEUE", "IN_PROGRESS"}:
                raise UpstreamError(AttemptClass.UNKNOWN, f"a status never heard of: {status}")
        keys = frozenset({"url"})
        reply = yield Call("GET", job.result, self._key, image_keys=keys, room=request.n)
        found = tuple(_pictures(reply.document)) if reply.is_good else ()
        if not found:
            raise _refusal(reply, asked=request.prompt, is_ordered=True)
        return Images(found, replace(NO_FACTS, units=_units(reply)))

    def cancel(self, job: Job) -> Call | None:
        """Take an order out of the queue; if it has begun, its app is asked to stop."""
        return Call("PUT", job.stop, self._key) if job.stop else None

    def never_ran(self, reply: Reply) -> bool:
        """True if the order was taken out of the queue."""
        return reply.is_good and text_at(reply.document, "status") == "OK"

    def _uploaded(self, images: Iterable[LargeValue]) -> Generator[Call, Reply, list[str]]:
        """Their addresses in fal's storage, as each model takes addresses."""
        base, addresses = self._account.base_url.rstrip("/"), []
        is_theirs = (urlsplit(base).hostname or "").endswith((".fal.run", ".falrun.com"))
        storage = "https://rest.fal.ai" if is_theirs else base
        for image in images:
            media_type = f"image/{image.format}"
            fields = {"content_type": media_type, "file_name": f"image.{image.format}"}
            url = f"{storage}/storage/upload/initiate?storage_type=fal-cdn-v3"
            reply = yield post(url, self._key | _LIFETIME, fields)
            place, address = (text_at(reply.document, key) for key in ("upload_url", "file_url"))
            if place and address:
                body = Payload(image.size_bytes, image.checked_chunks)
                reply = yield Call("PUT", place, {}, body, media_type, is_upload=True)
            if not (place and address and reply.is_good):
                raise refusal(reply, codes=["no upload"], message="", class_of=_CLASS_OF)
            addresses.append(address)
        return addresses


def _fields(request: UpstreamRequest, model: str, addresses: list[str]) -> dict[str, object]:
    pixels = _SIZE.fullmatch(request.size or "")
    fields = given(
        image_size={"width": int(pixels[1]), "height": int(pixels[2])} if pixels else None,
        # Where nobody asks, many models make a jpeg; one without this field overlooks it.
        output_format=request.output_format or "png",
        quality=request.quality if "gpt-image" in model else None,
        image_urls=addresses or None,
        prompt=request.prompt,
        num_images=request.n,
    )
    return {**request.fields, **fields}


def _pictures(document: Mapping[str, object]) -> Iterator[Found]:
    """Those that its safety checker did not blacken."""
    seed = seed_in(document)
    flags = entries_at(document, "has_nsfw_concepts")
    for index, entry in enumerate(entries_at(document, "images") or [at(document, "image")]):
        text = text_at(entry, "url")
        if text and flags[index : index + 1] != [True]:
            is_address = text.startswith(("https://", "http://"))
            yield Found("" if is_address else text, text if is_address else "", seed=seed)


def _units(reply: Reply) -> Decimal | None:
    """The units of the endpoint's price that are charged."""
    text = reply.headers.get("x-fal-billable-units", "")
    return Decimal(text) if _UNITS.fullmatch(text) else None


def _is_late(reply: Reply) -> bool:
    """True if the order had not begun by our deadline, so that it never will."""
    return reply.headers.get("x-fal-request-timeout-type") == "user"


def _refusal(reply: Reply, *, asked: str, is_ordered: bool = False) -> UpstreamError:
    details = entries_at(reply.document, "detail")
    is_flagged = True in entries_at(reply.document, "has_nsfw_concepts")
    codes = [text_at(each, "type") for each in details]
    codes += ["start deadline"] * _is_late(reply) + ["nsfw"] * is_flagged
    codes.append(text_at(reply.document, "error_type"))
    words = "; ".join(text_at(each, "msg") for each in details)
    is_5xx = reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    error = refusal(
        reply,
        codes=[code for code in codes if code],
        message=text_at(reply.document, "detail") or words or reply.words,
        asked=asked,
        class_of=_CLASS_OF,
        is_followed=is_5xx or (is_ordered and reply.status not in _RESULTS),
    )
    if is_ordered and is_5xx:
        is_open = error.attempt_class is AttemptClass.UNKNOWN
        attempt_class = AttemptClass.BAD_RESULT if is_open else error.attempt_class
        return error.but(attempt_class=attempt_class, cost=Micros(0))
    return error.but(may_have_billed=error.may_have_billed or is_ordered)
