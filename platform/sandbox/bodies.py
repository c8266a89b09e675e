"""Request bodies, JSON and multipart, as one mapping of fields and a count of images.

Files uploaded by multipart are told by their first bytes, read and dropped chunk by chunk. JSON is
read whole. Raises ApiError for a body that cannot be read, and for a file that is no image.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import BodyPartReader, web
from aiohttp.http import HttpProcessingError

from sandbox.errors import ApiError

_CHUNK_BYTES: Final = 64 << 10
_MAGIC: Final = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")
"""The first bytes of png, jpeg and webp."""
_IMAGE_FIELDS: Final = frozenset({"image", "image[]", "images", "images[]"})


@dataclass(frozen=True, slots=True)
class Body:
    """Fields by name (text, where they came by multipart) and how many images came with them."""

    fields: dict[str, Any]
    images: int


async def read(request: web.Request) -> Body:
    """The whole body, read to its end."""
    try:
        if request.content_type.startswith("multipart/"):
            return await _read_multipart(request)
        return _from_json(await request.read())
    except (ValueError, RecursionError, HttpProcessingError):
        raise _unreadable() from None


def _unreadable() -> ApiError:
    return ApiError("We could not parse the body of your request.", code="invalid_json")


def _no_image(field: str) -> ApiError:
    message = f"Invalid file '{field}': unsupported mimetype. Supported are png, jpeg and webp."
    return ApiError(message, code="unsupported_file_mimetype", param=field)


def _from_json(raw: bytes) -> Body:
    fields = json.loads(raw)
    if not isinstance(fields, dict):
        raise _unreadable()
    images = [value for name in ("image", "images") for value in _as_list(fields.get(name))]
    return Body(fields=fields, images=len(images))


def _as_list(value: object) -> list[Any]:
    if isinstance(value, list):
        return value
    return [value] if value else []


async def _read_multipart(request: web.Request) -> Body:
    fields: dict[str, Any] = {}
    images = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise _unreadable()
        if part.filename is None and part.name not in _IMAGE_FIELDS:
            fields[part.name or ""] = (await part.read(decode=True)).decode()
            continue
        start = chunk = await part.read_chunk(_CHUNK_BYTES)
        while chunk:
            chunk = await part.read_chunk(_CHUNK_BYTES)
        if not start.startswith(_MAGIC):
            raise _no_image(part.name or "")
        images += part.name in _IMAGE_FIELDS
    return Body(fields=fields, images=images)
