"""Answers as parts to be sent in turn, so that a big image is never held twice.

Pure. Base64 is made on the way out: an answer holds the images' own bytes, which it may share with
other answers.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import pybase64

from sandbox import pictures
from sandbox.orders import Order

_STEP_BYTES: Final = 196_608
"""The bytes encoded at a time: a multiple of 3, so the pieces join without padding."""


@dataclass(frozen=True, slots=True)
class Base64:
    """Bytes that are sent as base64."""

    data: bytes


Part = bytes | Base64


@dataclass(frozen=True, slots=True)
class Payload:
    """A body made of parts."""

    parts: tuple[Part, ...]

    @property
    def size_bytes(self) -> int:
        """The size of the whole body as sent."""
        return sum(
            len(part) if isinstance(part, bytes) else -(-len(part.data) // 3) * 4
            for part in self.parts
        )

    def pieces(self) -> Iterator[bytes]:
        """The body, piece by piece, none larger than 256 KiB or so."""
        return chain.from_iterable(map(_pieces, self.parts))


def in_base64(order: Order, files: Sequence[bytes], *, created: int) -> Payload:
    """An answer that holds the images."""
    return _answer(order, [(b'{"b64_json":"', Base64(file), b'"') for file in files], created)


def in_urls(order: Order, *, root: str, created: int) -> Payload:
    """An answer with the images' addresses: `root` and each picture's own."""
    addresses = [pictures.address(order.picture(index)) for index in range(order.n)]
    return _answer(order, [(b'{"url":', _json(root + name)) for name in addresses], created)


def partial_event(order: Order, file: bytes, *, index: int, created: int) -> Payload:
    """A server-sent event with an image that is not finished."""
    return _event(order, "partial_image", file, {"partial_image_index": index}, created)


def completed_event(order: Order, file: bytes, *, first: bool, created: int) -> Payload:
    """A server-sent event with a finished image and its usage; the first one counts the input."""
    usage = order.usage(images=1, with_input=first)
    return _event(order, "completed", file, {"usage": usage} | _revision(order), created)


def _answer(order: Order, items: Iterable[tuple[Part, ...]], created: int) -> Payload:
    end = b"".join((b",", _members(_revision(order)), b"}")) if order.directive.revise else b"}"
    parts: list[Part] = [b'{"created":%d,"data":[' % created]
    count = 0
    for item in items:
        parts += (b"," if count else b"", *item, end)
        count += 1
    tail = order.described() | {"usage": order.usage(images=count)}
    parts += (b"],", _members(tail), b"}\n")
    return Payload(tuple(parts))


def _event(order: Order, kind: str, file: bytes, extra: dict[str, Any], created: int) -> Payload:
    task = "image_edit" if order.task == "edits" else "image_generation"
    name = f"{task}.{kind}"
    members = _members({"type": name, "created_at": created} | order.described() | extra)
    start = b'event: %s\ndata: {%s,"b64_json":"' % (name.encode(), members)
    return Payload((start, Base64(file), b'"}\n\n'))


def _revision(order: Order) -> dict[str, str]:
    text = f"{order.prompt}, in soft evening light, as the sandbox would have it"
    return {"revised_prompt": text} if order.directive.revise else {}


def _members(fields: dict[str, Any]) -> bytes:
    """The members of a JSON object without its braces."""
    return _json(fields)[1:-1]


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _pieces(part: Part) -> Iterator[bytes]:
    if isinstance(part, bytes):
        yield part
        return
    view = memoryview(part.data)
    for start in range(0, len(view), _STEP_BYTES):
        yield pybase64.b64encode(view[start : start + _STEP_BYTES])
