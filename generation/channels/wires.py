"""The values that a vendor's wire and the engine exchange. Nothing here does I/O.

A wire is a generator: it yields a Call and is sent the Reply, yields a Job as soon as there is one,
and returns Images, or raises UpstreamError. It never waits, repeats or reads a clock (engine.py).
"""

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Protocol

from generation.channels.answers import entries_at, text_at
from generation.channels.base import Job, LargeValue, UpstreamAnswer, UpstreamRequest
from generation.channels.complaints import ComplaintRow, ComplaintSubject, about
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.failed_calls import error_of_class
from generation.channels.form_body import FilePart, form_body
from generation.channels.json_body import json_body
from generation.channels.statuses import CLASS_OF, class_of_status
from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.outbound.http import Payload
from pictor.kit.words.money import Micros

MOST_MISSES = 2
"""A replica may not know for seconds the order that another has taken."""
LOST_MISSES = 3
"""Looks at an order whose answer was lost: the vendor may still be reading it."""
FREE_SECONDS, LONGEST_FREE_SECONDS, UPLOAD_BYTES_PER_SECOND = 20.0, 60.0, 1_000_000
_UNITS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call.

    Attributes:
        url: may be relative to the base URL.
        headers: those with the key; they go to the base URL's origin and the kind's hosts only.
        is_order: it may be paid for, so it is sent once; the others are free and repeated.
        is_upload: its good answer is no document, but any words.
        image_keys: the object keys of the answer whose long strings are images.
        room: the most images that are kept of the answer, drafts included.
        by_time: further headers, by the seconds that are left for all when it is sent.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: Payload | None = None
    content_type: str = ""
    is_order: bool = False
    is_upload: bool = False
    image_keys: frozenset[str] = frozenset()
    room: int = 0
    by_time: Callable[[float], Mapping[str, str]] = lambda _: {}

    def own_headers(self, seconds_left: float) -> dict[str, str]:
        """Those besides `headers`, which say who calls."""
        typed = {"Content-Type": self.content_type} if self.content_type else {}
        return {**typed, **self.by_time(seconds_left)}

    @property
    def free_seconds(self) -> float:
        """For each try, if it is free and brings no pictures: what goes up takes its time."""
        size_bytes = self.body.size_bytes if self.body else 0
        return min(FREE_SECONDS + size_bytes / UPLOAD_BYTES_PER_SECOND, LONGEST_FREE_SECONDS)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that was read to its end.

    Attributes:
        document: its JSON object, with a placeholder for each image; empty if it has none.
        words: the first part of a refusal that is not JSON.
        received_at: when its head came.
        image: the bytes of a string in the document; None if it is no image.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    document: Mapping[str, object] = field(default_factory=dict)
    words: str = ""
    received_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    image: Callable[[object], SpoolFile | None] = field(default=lambda _: None)

    @property
    def is_good(self) -> bool:
        """True for a 2xx."""
        return self.status // 100 == HTTPStatus.OK // 100

    @property
    def is_5xx(self) -> bool:
        """True if the vendor, or a proxy on the way, failed."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def may_pass(self) -> bool:
        """True if the same call may fare better: it says nothing in the vendor's own words."""
        if self.status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}:
            return True
        return self.is_5xx and not self.document


@dataclass(frozen=True, slots=True)
class Found:
    """One picture of an answer: its base64 or placeholder, or else its address."""

    base64: str = ""
    url: str = ""
    revised_prompt: str | None = None
    seed: int | None = None


NO_FACTS = UpstreamAnswer(images=())


@dataclass(frozen=True, slots=True)
class Images:
    """The pictures of the last reply, best first.

    `facts` are what it says of them; its tokens count for our cost, never for a price.
    """

    found: tuple[Found, ...]
    facts: UpstreamAnswer = NO_FACTS


Steps = Generator[Call | Job, Reply, Images]
Uploading = Generator[Call, Reply, str]
"""Returns the address of what was uploaded."""


class Wire(Protocol):
    """One account at a vendor."""

    def make(self, request: UpstreamRequest) -> Steps:
        """Upload what must go first, order, and follow the order."""
        ...

    def resume(self, job: Job, request: UpstreamRequest) -> Steps:
        """Follow an order; order nothing."""
        ...

    def cancel(self, job: Job) -> Call | None:
        """The call that cancels an order, if the vendor has one."""
        ...

    def never_ran(self, reply: Reply) -> bool:
        """True if a cancel's answer proves that the order was never worked on."""
        ...


def posted(url: str, key: Mapping[str, str], fields: Mapping[str, object], **options: Any) -> Call:
    """A call with these fields as JSON; `options` are those of Call."""
    return Call("POST", url, key, json_body(fields, large={}), "application/json", **options)


def given(**fields: object) -> dict[str, object]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


class PlainWire:
    """The part of a wire whose orders are neither followed nor cancelled, unless it says how."""

    def resume(self, job: Job, request: UpstreamRequest) -> Steps:
        """Raise UpstreamError `unknown`."""
        raise UpstreamError(AttemptClass.UNKNOWN, "this vendor's orders are not followed")

    def cancel(self, job: Job) -> Call | None:
        """None: there is no such call."""
        return None

    def never_ran(self, reply: Reply) -> bool:
        """False: nothing proves it."""
        return False


def uploaded(image: LargeValue, ask: Call, place: str, address: str) -> Uploading:
    """Upload an image by two calls; `ask` is answered its place and address, under these keys.

    The place is an address that nobody else knows, and gets no key.
    """
    reply = yield ask
    to, there = text_at(reply.document, place), text_at(reply.document, address)
    if to and there:
        body = Payload(image.size_bytes, image.checked_chunks)
        reply = yield Call("PUT", to, {}, body, f"image/{image.format}", is_upload=True)
    if not (to and there and reply.is_good):
        raise _not_uploaded(reply)
    return there


def uploaded_as(
    file: FilePart, url: str, key: Mapping[str, str], address: str, **fields: str
) -> Uploading:
    """Upload a form's file; the answer's text at `address` is its own."""
    content_type, body = form_body(fields, [file])
    reply = yield Call("POST", url, key, body, content_type)
    there = text_at(reply.document, *address.split("."))
    if not (there and reply.is_good):
        raise _not_uploaded(reply)
    return there


def _not_uploaded(reply: Reply) -> UpstreamError:
    class_of = {"no upload": AttemptClass.REFUSED}
    return refusal(reply, codes=["no upload"], message="", class_of=class_of)


def ordered(
    order: Call,
    keys: Mapping[str, str],
    refused: Callable[[Reply], UpstreamError],
    cost_of: Callable[[Reply], Micros | None] = lambda _: None,
) -> Generator[Call | Job, Reply, Job]:
    """Order, and hand over the job; `keys` of the answer have the job's texts, between dots.

    Raises UpstreamError `unknown` if one is missing, other than `stop`.
    """
    reply = yield order
    if not reply.is_good:
        raise refused(reply)
    texts = {name: text_at(reply.document, *key.split(".")) for name, key in keys.items()}
    if not all(text for name, text in texts.items() if name != "stop"):
        raise UpstreamError(AttemptClass.UNKNOWN, "the order's answer names no address")
    job = Job.from_json({**texts, "cost": cost_of(reply)})
    yield job
    return job


def sent(order: Call, refused: Callable[[Reply], UpstreamError]) -> Generator[Call, Reply, int]:
    """Send an order whose job is kept already; the misses that looks at it may have.

    An answer that leaves its fate open, or none, is followed by the job.
    """
    reply = yield order
    if reply.is_good:
        return 0
    error = refused(reply)
    if error.attempt_class is not AttemptClass.UNKNOWN:
        raise error
    return LOST_MISSES


def by_status(**is_running: bool) -> Callable[[Reply], bool | None]:
    """For `followed`: by the `status` that a good answer names."""
    return lambda reply: (
        is_running.get(text_at(reply.document, "status")) if reply.is_good else None
    )


def followed(
    look: Call, is_running: Callable[[Reply], bool | None], *, most_misses: int = 0
) -> Generator[Call, Reply, Reply]:
    """Look at an order while it runs; the last answer, which may be a refusal.

    `is_running` is None for an answer that does not tell: of these, a 5xx and so many misses, by
    which a replica may not know the order yet, lead to another look. A miss is a 404, or good:
    after these one that is good raises UpstreamError `unknown`.
    """
    misses = 0
    while True:
        reply = yield look
        runs = is_running(reply)
        is_miss = runs is None and (reply.is_good or reply.status == HTTPStatus.NOT_FOUND)
        misses += is_miss
        if is_miss and reply.is_good and misses > most_misses:
            state = text_at(reply.document, "status")
            raise UpstreamError(AttemptClass.UNKNOWN, f"a status never heard of: {state}")
        may_pass = reply.is_5xx or (is_miss and misses <= most_misses)
        if not (may_pass if runs is None else runs):
            return reply


def until(*ends: str, lost: str = "") -> Callable[[Reply], bool | None]:
    """Whether an order runs, by its `status`: until an end; `lost` is that of no order at all."""

    def is_running(reply: Reply) -> bool | None:
        status = text_at(reply.document, "status")
        if (lost and status == lost) or not (status or reply.is_good):
            return None
        return status not in ends

    return is_running


def detail_of(reply: Reply) -> tuple[list[str], str]:
    """The codes and the words of a refusal's `detail`: a text, or a list of faults."""
    faults = entries_at(reply.document, "detail")
    words = "; ".join(text_at(each, "msg") for each in faults)
    text = text_at(reply.document, "detail") or words or reply.words
    return [text_at(each, "type") for each in faults], text


def picture(text: str, *, seed: int | None = None) -> Found:
    """A picture by its address, or within the answer."""
    is_address = text.startswith(("https://", "http://"))
    return Found("" if is_address else text, text if is_address else "", seed=seed)


def units_in(text: str) -> Decimal | None:
    """The vendor's own units, as its answer counts them; None for what is no such number."""
    return Decimal(text) if _UNITS.fullmatch(text) else None


def classes(**codes: str) -> Mapping[str, AttemptClass]:
    """The class of each code, from the codes of each class."""
    return {code: AttemptClass(name) for name, words in codes.items() for code in words.split()}


def refusal(
    reply: Reply,
    *,
    codes: Sequence[str],
    message: str,
    asked: str = "",
    class_of: Mapping[str, AttemptClass] | None = None,
    first: tuple[ComplaintRow, ...] = (),
    is_followed: bool = False,
) -> UpstreamError:
    """The error of a reply without a picture: by the vendor's codes, its words, its status.

    Args:
        reply: the last one.
        codes: the vendor's codes for it.
        message: its words for people.
        asked: the request's words, which the vendor may quote.
        class_of: the class of a code.
        first: the vendor's own rows of complaints.
        is_followed: it answers a look at an order, so a status proves nothing about that.
    """
    codes = [code for code in codes if code]
    named = [(class_of or {})[code] for code in codes if code in (class_of or {})]
    subject = about(codes=tuple(codes), message=message, asked=asked, first=first)
    if named:
        attempt_class = named[0]
    elif is_followed:
        is_policy = subject is ComplaintSubject.POLICY
        attempt_class = AttemptClass.MODERATED if is_policy else AttemptClass.UNKNOWN
    elif reply.is_good:
        attempt_class = CLASS_OF[subject] if subject else AttemptClass.BAD_RESULT
    else:
        attempt_class = class_of_status(reply.status, subject, is_json=bool(reply.document))
    return error_of_class(
        attempt_class,
        f"HTTP {reply.status} {' '.join(codes)}: {message or reply.words}",
        status=reply.status,
        headers=reply.headers,
        param=None,
        now=reply.received_at,
    )
