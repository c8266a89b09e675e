"""A request's fields and files as multipart/form-data, with the files streamed into their places.

File names are made here: the caller's own are never sent.
"""

import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from generation.channels.base import LargeValue
from pictor.kit.outbound.http import Payload


@dataclass(frozen=True, slots=True)
class FilePart:
    """One file of a form: the field it is sent as, its image, and a name of ours if it matters."""

    field: str
    image: LargeValue
    name: str = ""


def form_body(fields: Mapping[str, object], files: Sequence[FilePart]) -> tuple[str, Payload]:
    """The Content-Type and the body.

    Sending it raises UpstreamError `not_reached` for an unreadable file: then the upstream never
    sees a whole request.
    """
    # Random, so that no caller's text or image can contain it.
    boundary = f"pictor-{secrets.token_hex(16)}"
    head = b"".join(_text_part(boundary, name, value) for name, value in fields.items())
    heads = [_file_head(boundary, place, part) for place, part in enumerate(files)]
    end = f"--{boundary}--\r\n".encode("ascii")

    async def chunks() -> AsyncIterator[bytes]:
        yield head
        for part_head, part in zip(heads, files, strict=True):
            yield part_head
            async for chunk in part.image.checked_chunks():
                yield chunk
            yield b"\r\n"
        yield end

    size_bytes = len(head) + len(end) + sum(map(len, heads))
    size_bytes += sum(part.image.size_bytes + 2 for part in files)  # the line break behind each
    return f"multipart/form-data; boundary={boundary}", Payload(size_bytes, chunks)


def _text_part(boundary: str, name: str, value: object) -> bytes:
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return f"{head}{_text(value)}\r\n".encode()


def _text(value: object) -> str:
    """A value as a form's string: true, 3 and objects are written as JSON."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _file_head(boundary: str, place: int, part: FilePart) -> bytes:
    kind = part.image.format
    name = part.name or f"{place}.{kind}"
    return (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{part.field}";'
        f' filename="{name}"\r\nContent-Type: image/{kind}\r\n\r\n'
    ).encode("ascii")
