"""Replicate: images go up, an order, looks at it until it ends. Pure.

    POST /v1/files → {"urls": {"get": "https://…"}, "expires_at": "…"}
    POST /v1/models/OWNER/NAME/predictions, of a community's model POST /v1/predictions
       → {"id": "…", "status": "starting", "urls": {"get": "https://…", "cancel": "https://…"}}
    GET urls.get → {"status": "succeeded", "output": ["https://…"]}, or one address, or an `error`

An order that has not begun by its `Cancel-After` is `aborted`, and free; one that has, and any that
a user cancels, is `canceled`, and charged. By `Prefer: wait` an id would come a minute too late.
Sources: Replicate's OpenAPI document (9 April 2026), "Prediction deadlines" (16 October 2025),
"Rate limits"; for models' own words the issues named below.
"""

import re
from functools import partial
from math import ceil
from urllib.parse import quote

from generation.channels import wires
from generation.channels.answers import at, entries_at, text_at
from generation.channels.base import ChannelConfig, Job, UpstreamRequest
from generation.channels.complaints import ComplaintRow, ComplaintSubject
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.form_body import FilePart
from generation.channels.replicate.kind import FIELDS
from pictor.kit.words.money import Micros

SPARE_SECONDS, LEAST_SECONDS = 10, 5
"""Between their deadline and ours, for a last look; the shortest deadline that they take."""
ROOM = 3
_IMAGE_KEYS = frozenset({"output", ""})  # "" is that of all entries of arrays
_JOB = {"id": "id", "look": "urls.get", "stop": "urls.cancel"}
_IS_RUNNING = wires.until("succeeded", "failed", "canceled", "aborted")
_CLASS_OF = wires.classes(refused="aborted", unknown="canceled")
_WAIT = re.compile(r"(?:resets in ~|available in )([0-9]{1,5}) ?s")
_WORDS = (
    ComplaintRow(ComplaintSubject.POLICY, "HeyPuter/puter#3719", phrases=("flagged as sensitive",)),
    ComplaintRow(
        ComplaintSubject.CALLER, "pollinations#10801", phrases=("input validation error",)
    ),
)


def _cancel_after(seconds: float) -> dict[str, str]:
    return {"Cancel-After": f"{max(ceil(seconds) - SPARE_SECONDS, LEAST_SECONDS)}s"}


class ReplicateWire:
    """One account at Replicate."""

    def __init__(self, account: ChannelConfig) -> None:
        self._account = account
        self._root = account.root("v1")
        self._key = {"Authorization": f"Bearer {account.api_key}"}

    def make(self, request: UpstreamRequest) -> wires.Steps:
        """Upload the images, order a picture, and follow the order."""
        addresses = []
        for image in request.references:
            file = FilePart("content", image)
            up = wires.uploaded_as(file, f"{self._root}/files", self._key, "urls.get")
            addresses += [(yield from up)]
        model = self._account.upstream_model(request.model)
        name, _, version = model.partition(":")
        place = "predictions" if version else f"models/{quote(name)}/predictions"
        body = FIELDS.body_of(self._account.field_map, request, addresses)
        order = wires.posted(
            f"{self._root}/{place}",
            self._key,
            wires.given(version=version or None, input=body),
            is_order=True,
            by_time=_cancel_after,
        )
        job = yield from wires.ordered(order, _JOB, partial(_refusal, asked=request.prompt))
        return (yield from self.resume(job, request))

    def resume(self, job: Job, request: UpstreamRequest) -> wires.Steps:
        """Look until the order has ended."""
        look = wires.Call("GET", job.look, self._key, image_keys=_IMAGE_KEYS, room=ROOM)
        reply = yield from wires.followed(look, _IS_RUNNING, most_misses=wires.MOST_MISSES)
        outputs = entries_at(reply.document, "output") or [at(reply.document, "output")]
        found = tuple(wires.picture(each) for each in outputs if isinstance(each, str) and each)
        if found and text_at(reply.document, "status") == "succeeded":
            return wires.Images(found)
        raise _refusal(reply, asked=request.prompt, is_ordered=True)

    def cancel(self, job: Job) -> wires.Call | None:
        """Stop an order, which is charged from then on as one that ran."""
        return wires.Call("POST", job.stop, self._key) if job.stop else None

    def never_ran(self, reply: wires.Reply) -> bool:
        """True if it had been given up before it began."""
        return reply.is_good and text_at(reply.document, "status") == "aborted"


def _refusal(reply: wires.Reply, *, asked: str, is_ordered: bool = False) -> UpstreamError:
    status = text_at(reply.document, "status")
    codes, message = wires.detail_of(reply)
    error = wires.refusal(
        reply,
        codes=[status, *codes],
        message=text_at(reply.document, "error") or message,
        asked=asked,
        class_of=_CLASS_OF if is_ordered else None,
        first=_WORDS,
        is_followed=is_ordered and not reply.is_good,
    )
    if wait := _WAIT.search(message):
        error = error.but(retry_after_seconds=float(wait[1]))
    if not is_ordered or status == "aborted":
        return error.but(cost=Micros(0)) if is_ordered else error
    is_open = error.attempt_class is AttemptClass.REFUSED  # by words, which prove nothing
    attempt_class = AttemptClass.BAD_RESULT if is_open else error.attempt_class
    return error.but(attempt_class=attempt_class, may_have_billed=True)
