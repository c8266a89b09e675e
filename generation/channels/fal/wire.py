"""fal's queue: images go up, an order, looks at it, its result. Pure.

    POST /openai/gpt-image-2 → {"request_id", "status_url", "response_url", "cancel_url"}
    GET status_url → {"status": "IN_QUEUE" | "IN_PROGRESS" | "COMPLETED"}, which may be a failure
    GET response_url → {"images": [{"url": …}], "seed": 1, "has_nsfw_concepts": [false]}

Sources: fal, "Asynchronous Inference", "Request Error Types", "Model Errors", "FAQ" (5xx are never
charged, 422 may be), "Platform Headers", "fal CDN" (30 November 2026); fal-client 1.0.3.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from urllib.parse import quote, urlsplit

from generation.channels import wires
from generation.channels.answers import at, entries_at, seed_in, text_at
from generation.channels.base import ChannelConfig, Job, UpstreamAnswer, UpstreamRequest
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.fal.kind import FIELDS
from pictor.kit.words.money import Micros

_LIFETIME = {"X-Fal-Object-Lifecycle-Preference": '{"expiration_duration_seconds":3600}'}
# By both of their documents: no other model may answer.
_NO_FALLBACK = {"x-fal-disable-fallbacks": "true", "x-app-fal-disable-fallback": "true"}
_JOB = {"id": "request_id", "look": "status_url", "result": "response_url", "stop": "cancel_url"}
_IS_RUNNING = {"IN_QUEUE": True, "IN_PROGRESS": True, "COMPLETED": False}
_TIMEOUT_TYPE = "x-fal-request-timeout-type"
_CLASS_OF = wires.classes(
    refused="user runner_scheduling_failure startup_timeout",  # "user": by our start deadline
    moderated="nsfw",
    bad_result="no_media_generated file_download_error generation_timeout downstream_service_error"
    " downstream_service_unavailable",
)
_RESULTS = {200, 400, 422}  # statuses that say what the order came to


class FalWire:
    """One account at fal."""

    def __init__(self, account: ChannelConfig) -> None:
        self._account = account
        self._base = account.base_url.rstrip("/")
        is_theirs = (urlsplit(self._base).hostname or "").endswith((".fal.run", ".falrun.com"))
        self._storage = "https://rest.fal.ai" if is_theirs else self._base
        self._key = {"Authorization": f"Key {account.api_key}"}

    def make(self, request: UpstreamRequest) -> wires.Steps:
        """Upload the images, order, and follow the order."""
        addresses = []
        for image in request.images:
            ask = wires.posted(
                f"{self._storage}/storage/upload/initiate?storage_type=fal-cdn-v3",
                self._key | _LIFETIME,
                {"content_type": f"image/{image.format}", "file_name": f"image.{image.format}"},
            )
            addresses += [(yield from wires.uploaded(image, ask, "upload_url", "file_url"))]
        model = self._account.upstream_model(request.model)
        wait = self._account.queue_seconds or self._account.timeout_seconds
        order = wires.posted(
            f"{self._base}/{quote(model)}",
            self._key | _LIFETIME | _NO_FALLBACK | {"X-Fal-Request-Timeout": str(wait)},
            FIELDS.body_of(self._account.field_map, request, addresses),
            is_order=True,
        )
        job = yield from wires.ordered(order, _JOB, partial(_refusal, asked=request.prompt))
        return (yield from self.resume(job, request))

    def resume(self, job: Job, request: UpstreamRequest) -> wires.Steps:
        """Follow an order to its result."""
        reply = yield from wires.followed(wires.Call("GET", job.look, self._key), _is_running)
        if reply.is_good:
            keys = frozenset({"url"})
            reply = yield wires.Call("GET", job.result, self._key, image_keys=keys, room=request.n)
        found = tuple(_pictures(reply.document)) if reply.is_good else ()
        if not found:
            raise _refusal(reply, asked=request.prompt, is_ordered=True)
        units = wires.units_in(reply.headers.get("x-fal-billable-units", ""))
        return wires.Images(found, UpstreamAnswer((), units=units))

    def cancel(self, job: Job) -> wires.Call | None:
        """Take an order out of the queue; if it has begun, its app is asked to stop."""
        return wires.Call("PUT", job.stop, self._key) if job.stop else None

    def never_ran(self, reply: wires.Reply) -> bool:
        """True if the order was taken out of the queue."""
        return reply.is_good and text_at(reply.document, "status") == "OK"


def _pictures(document: Mapping[str, object]) -> Iterator[wires.Found]:
    """Those that its safety checker did not blacken."""
    flags = entries_at(document, "has_nsfw_concepts")
    for index, entry in enumerate(entries_at(document, "images") or [at(document, "image")]):
        if text_at(entry, "url") and flags[index : index + 1] != [True]:
            yield wires.picture(text_at(entry, "url"), seed=seed_in(document))


def _is_running(reply: wires.Reply) -> bool | None:
    if reply.headers.get(_TIMEOUT_TYPE) == "user":
        return False  # what has not begun by our deadline never will
    return _IS_RUNNING.get(text_at(reply.document, "status")) if reply.is_good else None


def _refusal(reply: wires.Reply, *, asked: str, is_ordered: bool = False) -> UpstreamError:
    codes, message = wires.detail_of(reply)
    is_flagged = True in entries_at(reply.document, "has_nsfw_concepts")
    codes += [reply.headers.get(_TIMEOUT_TYPE, ""), "nsfw" if is_flagged else ""]
    error = wires.refusal(
        reply,
        codes=[*codes, text_at(reply.document, "error_type")],
        message=message,
        asked=asked,
        class_of=_CLASS_OF,
        is_followed=reply.is_5xx or (is_ordered and reply.status not in _RESULTS),
    )
    if not (is_ordered and reply.is_5xx):
        return error.but(may_have_billed=error.may_have_billed or is_ordered)
    is_open = error.attempt_class is AttemptClass.UNKNOWN
    attempt_class = AttemptClass.BAD_RESULT if is_open else error.attempt_class
    return error.but(attempt_class=attempt_class, cost=Micros(0))
