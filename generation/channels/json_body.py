"""A request's fields as JSON, with its large values streamed into their places as base64."""

import json
import re
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence

import pybase64

from generation.channels.base import LargeValue
from pictor.kit.outbound.http import Payload

ENCODE_BYTES = 196_608
"""A multiple of 3: pieces of base64 join without padding."""


def json_body(fields: Mapping[str, object], *, large: Mapping[str, LargeValue]) -> Payload:
    """The fields as JSON, with large values in them, or for strings that are keys of `large`.

    Sending it raises UpstreamError `not_reached` for an unreadable value: then the upstream never
    sees a whole request.
    """
    values = dict(large)

    def named(value: LargeValue) -> str:
        name = secrets.token_hex()  # which no prompt can have
        values[name] = value
        return name

    parts = _parts(json.dumps(fields, separators=(",", ":"), default=named), values)

    async def chunks() -> AsyncIterator[bytes]:
        for part in parts:
            if isinstance(part, bytes):
                yield part
            else:
                async for piece in _encode(part):
                    yield piece

    return Payload(size_bytes=sum(_part_bytes(part) for part in parts), chunks=chunks)


def _parts(text: str, large: Mapping[str, LargeValue]) -> Sequence[bytes | LargeValue]:
    if not large:
        return [text.encode("ascii")]
    # As each stands in the JSON, with its quotes.
    names = {json.dumps(name): value for name, value in large.items()}
    pattern = "|".join(re.escape(name) for name in names)
    parts: list[bytes | LargeValue] = []
    for piece in re.split(f"({pattern})", text):
        value = names.get(piece)
        parts += [piece.encode("ascii")] if value is None else [b'"', value, b'"']
    return parts


def _part_bytes(part: bytes | LargeValue) -> int:
    if isinstance(part, bytes):
        return len(part)
    return len(part.prefix.encode("ascii")) + 4 * ((part.size_bytes + 2) // 3)


async def _encode(value: LargeValue) -> AsyncIterator[bytes]:
    """The value as base64, in pieces."""
    yield value.prefix.encode("ascii")
    rest = bytearray()
    async for chunk in value.checked_chunks():
        rest += chunk
        while len(rest) >= ENCODE_BYTES:
            yield pybase64.b64encode(rest[:ENCODE_BYTES])
            del rest[:ENCODE_BYTES]
    yield pybase64.b64encode(rest)
