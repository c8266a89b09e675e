"""Reference images of a request: taken out of its JSON, and put on storage before admission.

They are never in Postgres, Redis or Celery. In the request's fields each piece of base64 leaves a
placeholder made of its place and a keyed hash, so equal requests stay equal for idempotency; the
bytes go to storage under `in/`, and are sent on from there, re-encoded to the same text (without
line breaks, where it had some).

A reference image is base64, a data URI, or an object with one of them (or an address) as
`b64_json`, `url` or `image_url`. Addresses are sent on as they are, once the SSRF guard has let
them pass.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from pictor.kit import pools
from pictor.kit.body import Body
from pictor.kit.egress import EgressRefused, HttpError
from pictor.kit.errors import InvalidRequest, RequestTooLarge, Unavailable
from pictor.kit.http import HttpPool
from pictor.kit.spool import Base64Sink, SpoolError, SpoolFile, SpoolFull, Spools
from storage.services import StorageFailed, delete_objects, input_key_of, upload

FIELDS = ("image", "mask")
PARTS = ("b64_json", "url", "image_url")
MAX_INPUTS = 16
CHUNK = 192 * 1024
"""Characters of base64 decoded at a time."""

_DATA_URI = re.compile(rb"data:[\w.+-]+/[\w.+-]+(?:;[\w.+=-]+)*;base64,", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


@dataclass
class Input:
    """One reference image: what stood before its base64, and its bytes."""

    prefix: str
    spool: SpoolFile
    placeholder: str = ""
    key: str = ""

    def row(self) -> dict[str, Any]:
        """What the generation's row keeps of it."""
        return {
            "placeholder": self.placeholder,
            "key": self.key,
            "prefix": self.prefix,
            "size_bytes": self.spool.size,
            "sha256": self.spool.sha256,
        }


@dataclass
class Inputs:
    """All reference images of one request, and the addresses it names."""

    found: list[Input] = field(default_factory=list)
    addresses: list[tuple[str, str]] = field(default_factory=list)
    """Field and address."""

    def close(self) -> None:
        """Free the spools."""
        for one in self.found:
            one.spool.close()

    async def check_addresses(self, http: HttpPool) -> None:
        """Refuse addresses that the SSRF guard would not let anybody fetch."""
        for name, address in self.addresses:
            try:
                await http.check(address)
            except EgressRefused:
                raise _refused(name, "is an address that must not be fetched") from None
            except HttpError:
                continue  # it does not resolve here; it may for the upstream

    async def store(self, generation_id: UUID, now: datetime) -> list[dict[str, Any]]:
        """Put the bytes on storage; the rows that say where. Raises Unavailable."""
        for index, one in enumerate(self.found):
            one.key = input_key_of(generation_id, now, index)
            try:
                await pools.storage(
                    upload, one.key, one.spool, content_type="application/octet-stream"
                )
            except StorageFailed:
                raise Unavailable(
                    "The reference image could not be stored; nothing was charged. Try again."
                ) from None
        return [one.row() for one in self.found]

    async def forget(self) -> None:
        """Remove what was stored: the request was not admitted."""
        keys = [one.key for one in self.found if one.key]
        if keys:
            await pools.storage(_forget, keys)


def _forget(keys: list[str]) -> None:
    try:
        delete_objects(keys)
    except StorageFailed:
        return  # nothing refers to them; the hourly work removes what lies under in/ for two days


def extract(request: dict[str, Any], body: Body, spools: Spools) -> Inputs:
    """Take the reference images out of a request's fields, in place.

    Raises InvalidRequest (`invalid_image`) for text that is not base64, and for long text anywhere
    else in the body.
    """
    inputs = Inputs()
    taker = _Taker(inputs, body, spools)
    try:
        for name in FIELDS:
            if name in request:
                request[name] = taker.taken(name, request[name])
        check_no_long_text(request, body)
    except BaseException:
        inputs.close()
        raise
    return inputs


class _Taker:
    def __init__(self, inputs: Inputs, body: Body, spools: Spools) -> None:
        self._inputs = inputs
        self._body = body
        self._spools = spools

    def taken(self, name: str, value: Any) -> Any:
        """The field's value with placeholders in it."""
        if not isinstance(value, list):
            return self._one(name, value)
        if not value:
            raise _refused(name, "is an empty array")
        return [self._one(name, item) for item in value]

    def _one(self, name: str, value: str | dict[str, Any]) -> Any:
        if isinstance(value, str):
            return self._text(name, value)
        parts = {part: value[part] for part in PARTS if value.get(part) is not None}
        if not parts:
            raise _refused(name, f"is an object without {', '.join(PARTS[:-1])} or {PARTS[-1]}")
        return {**value, **{part: self._part(name, part, parts[part]) for part in parts}}

    def _part(self, name: str, part: str, inner: Any) -> Any:
        if isinstance(inner, dict) and isinstance(inner.get("url"), str):
            return {**inner, "url": self._address_or_text(name, inner["url"])}
        if not isinstance(inner, str):
            raise InvalidRequest(
                f"{name}.{part} must be a string.", code="invalid_type", param=name
            )
        return self._text(name, inner) if part == "b64_json" else self._address_or_text(name, inner)

    def _address_or_text(self, name: str, text: str) -> str:
        if _ADDRESS.match(text):
            self._inputs.addresses.append((name, text))
            return text
        return self._text(name, text)

    def _text(self, name: str, text: str) -> str:
        if len(self._inputs.found) >= MAX_INPUTS:
            raise _refused(name, f"holds more than {MAX_INPUTS} images")
        index = self._body.index_of(text)
        if index is None:
            raw = text.encode()
            read = _reader(lambda at, count: raw[at : at + count])
        else:
            spool = self._body.long_strings[index].spool
            read = _reader(spool.read_at)
        one = self._decoded(name, read)
        one.placeholder = _placeholder(len(self._inputs.found), one.spool.sha256)
        self._inputs.found.append(one)
        return one.placeholder

    def _decoded(self, name: str, read: Callable[[int], Iterator[bytes]]) -> Input:
        head = next(read(0), b"")[:256]
        match = _DATA_URI.match(head)
        prefix = match[0] if match else b""
        spool = self._spools.new(max_bytes=settings.MAX_IMAGE_BYTES)
        sink = Base64Sink(spool)
        try:
            for chunk in read(len(prefix)):
                sink.write(chunk)
            sink.finish()
        except SpoolFull:
            spool.close()
            raise Unavailable("There is no room for large requests just now.") from None
        except SpoolError:
            spool.close()
            raise RequestTooLarge("A reference image is too large.", param=name) from None
        if sink.error is not None or sink.media_type is not None or not spool.size:
            spool.close()
            raise _refused(name, "is not base64")
        return Input(prefix.decode(), spool)


def _placeholder(index: int, sha256: str) -> str:
    """What stands for an image: the same for equal requests, and nothing a caller can write."""
    secret = settings.OBJECT_KEY_SECRET.encode()
    return f"input:{index}:{hmac.new(secret, sha256.encode(), hashlib.sha256).hexdigest()}"


def _reader(read_at: Callable[[int, int], bytes]) -> Callable[[int], Iterator[bytes]]:
    def chunks(start: int) -> Iterator[bytes]:
        while chunk := read_at(start, CHUNK):
            yield chunk
            start += len(chunk)

    return chunks


def check_no_long_text(request: Mapping[str, Any], body: Body) -> None:
    """Refuse text that was too long for memory anywhere but in a reference image."""
    stack = list(request.items()) if body.long_strings else []
    while stack:
        name, item = stack.pop()
        if body.index_of(item) is not None:
            raise InvalidRequest(f"{name} is too long.", code="string_above_max_length", param=name)
        if isinstance(item, dict):
            stack += [(name, inner) for pair in item.items() for inner in pair]
        elif isinstance(item, list):
            stack += [(name, inner) for inner in item]


def _refused(name: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"{name} {what}.", code="invalid_image", param=name)
