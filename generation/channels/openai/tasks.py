"""Relays whose answer is a task: it is looked at until it has pictures. Pure.

    {"code": 200, "data": [{"status": "submitted", "task_id": "…"}]}      also a plain object
    {"id": "task-…", "object": "image.generation.task", "status": "pending"}
    {"task_id": "…"}

The task has pictures in any shape of wire.py, also an array as `url`, or an end without one.
APIMart's has a `cost`, in a unit that it does not document: it is booked if the operator says what
a credit costs. EvoLink's `credits_reserved` is no cost. Sources: documents and source of APIMart,
EvoLink, sub2api and PiAPI (28 November 2026).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from urllib.parse import quote

from typing_extensions import override

from generation.channels.answers import cost_at, text_at
from generation.channels.base import Job, UpstreamRequest
from generation.channels.base64_stream import TEXT_KEYS
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.openai import errors, wire
from generation.channels.openai.complaints import complaint_of
from generation.channels.wires import (
    MOST_MISSES,
    Call,
    Images,
    PlainWire,
    Reply,
    Steps,
    followed,
    refusal,
)
from pictor.kit.words.money import Micros

PATH = "tasks"
SPARE_IMAGES = 2
_DONE = frozenset({"completed", "complete", "success", "succeeded", "succeed", "done", "finished"})
_FAILED = frozenset({
    "failed", "failure", "fail", "error", "cancelled", "canceled", "expired", "rejected", "timeout",
})  # fmt: skip
_STATES = ("status", "task_status", "state")
_IMAGE_KEYS = frozenset({*wire.BASE64_KEYS, *wire.HOLDERS, "url", "image_url"}) - TEXT_KEYS


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks that an answer names in place of pictures, and the id of the call."""

    ids: tuple[str, ...]
    request_id: str

    def jobs(self, base: str) -> list[Job]:
        """Each with its address below that of all tasks. Raises UpstreamError `unknown`."""
        if not {".", ".."}.isdisjoint(self.ids):
            raise UpstreamError(AttemptClass.UNKNOWN, "the task's id is no name")
        return [Job(each, look=f"{base}/{quote(each, safe='')}") for each in self.ids]


def tasks_in(document: Mapping[str, object], *, most: int) -> tuple[str, ...]:
    """The ids of the first tasks that an answer names."""
    return tuple(dict.fromkeys(filter(None, map(_id_of, _levels(document)))))[:most]


class TaskWire(PlainWire):
    """Looks at tasks; the adapter has ordered them. A `credit_usd` of 0 books no cost."""

    def __init__(self, key: Callable[[], Mapping[str, str]], credit_usd: Decimal) -> None:
        self._key = key
        self._credit_usd = credit_usd

    def make(self, request: UpstreamRequest) -> Steps:
        """Raise UpstreamError `refused`: nothing is ordered by looks."""
        raise UpstreamError(AttemptClass.REFUSED, "tasks are only followed")

    @override
    def resume(self, job: Job, request: UpstreamRequest) -> Steps:
        """Look until the task has ended."""
        room = request.n + SPARE_IMAGES
        look = Call("GET", job.look, self._key(), image_keys=_IMAGE_KEYS, room=room)
        reply = yield from followed(look, partial(_is_running, job), most_misses=MOST_MISSES)
        document, asked = dict(reply.document), f"{request.prompt} {request.fields}"
        has_failed = not reply.is_good or _state(document) in _FAILED
        images = [] if has_failed else wire.images_in(document, most=room)
        if images:
            cost = _cost_in(document, self._credit_usd)
            return Images(tuple(images), replace(wire.facts(document), cost=cost))
        if _is_end(document, job):
            raise errors.error_of_reply(reply, asked=asked)
        said = complaint_of(document)  # which tells nothing of the task
        raise refusal(reply, codes=said.codes, message=said.message, asked=asked, is_followed=True)


def _is_running(job: Job, reply: Reply) -> bool | None:
    document, state = dict(reply.document), _state(reply.document)
    if not reply.is_good:
        return False if _is_end(document, job) else None
    if state:
        return state not in _DONE | _FAILED
    return "error" not in document and not wire.images_in(document, most=1)


def _is_end(document: Mapping[str, object], job: Job) -> bool:
    """True for words about the task itself."""
    names = {text_at(level, key) for level in _levels(document) for key in ("id", "task_id")}
    return job.id in names and _state(document) in _DONE | _FAILED


def _cost_in(document: Mapping[str, object], credit_usd: Decimal) -> Micros | None:
    """The cost that a finished task states; of several, it is not known which is the whole."""
    levels = [level for level in _levels(document) if isinstance(level, dict) and "cost" in level]
    if not credit_usd or _state(document) not in _DONE or len(levels) != 1:
        return None
    return cost_at(levels[0], "cost", unit_usd=credit_usd)


def _levels(document: Mapping[str, object]) -> Iterator[object]:
    """The parts of an answer that may be a task, the inner ones first."""
    data = document.get("data")
    yield from data if isinstance(data, list) else [data]
    yield document


def _id_of(level: object) -> str:
    is_task = text_at(level, "object").endswith("task")
    return text_at(level, "task_id") or (text_at(level, "id") if is_task else "")


def _state(document: Mapping[str, object]) -> str:
    words = (text_at(level, name) for level in _levels(document) for name in _STATES)
    return next(filter(None, words), "").lower()
