"""Removal of everything in an image that decoding does not need, before any decoder sees it.

Metadata is dropped from every image that comes from outside: text, EXIF, XMP, comments, thumbnails,
profiles above 1 MB, and bytes after the image's end. Customers did not buy it, it may reveal people
and places, and decoders unpack it into memory: 1.5 MB of PNG text took 2.4 GB. The orientation in
its EXIF is kept. What is left is read through a view of the file, not copied. Memory stays flat.
Raises NotAnImage, and SpoolError if a copy cannot be kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from shutil import copyfileobj
from typing import NamedTuple

from pictor.kit.bytes.spool import CHUNK_BYTES, SpoolFile, reader_of
from storage.containers import jpeg, png, webp
from storage.containers.jumbf import Malformed, active_label
from storage.containers.orientation import Orientation, orientation
from storage.containers.pieces import (
    ByteSource,
    ByteSpan,
    Format,
    NotAnImage,
    Parts,
    UnknownFormat,
    View,
    joined,
)
from storage.content_credentials import Credentials, judge


@dataclass(frozen=True, slots=True)
class _Container:
    signature: bytes
    format: Format
    walk: Callable[[ByteSource], Parts]
    exif: Callable[[ByteSource], ByteSpan | None]


_CONTAINERS = (
    _Container(png.SIGNATURE, "png", png.walk, png.exif),
    _Container(jpeg.SIGNATURE, "jpeg", jpeg.walk, jpeg.exif),
    _Container(webp.SIGNATURE, "webp", webp.walk, webp.exif),
)
_MAX_SIGNATURE_BYTES = 8


class Stripped(NamedTuple):
    """An image without unneeded parts, with its format and its EXIF orientation."""

    source: SpoolFile | View
    """What decoders may read: the same spool if there was nothing to drop, mostly a view, of a webp
    a copy, as libwebp would take a view into memory."""
    format: Format
    orientation: Orientation
    """The turn that its pixels still need."""
    got_end: bool
    """True if it is a jpeg that got the end marker its file lacked."""
    credentials: Credentials
    """`kept` if the file can stay as it came."""


def strip(spool: SpoolFile) -> Stripped:
    """Find the image without unneeded parts."""
    container = _container_of(spool)
    walk = container.walk(spool)
    pieces = list(joined(walk.pieces))
    source: SpoolFile | View = spool
    if pieces != [ByteSpan(0, spool.size)]:
        source = View(spool.content, pieces)
        if container.format == "webp":
            copyfileobj(reader_of(source), copy := spool.sibling(), CHUNK_BYTES)
            source = copy
    return Stripped(
        source,
        container.format,
        orientation(spool, container.exif(spool)),
        got_end=pieces[-1] == jpeg.END,
        credentials=judge(spool, walk),
    )


def manifest_label(file: ByteSource) -> str:
    """The label of a file's active manifest; empty without one, also of a file that is no image."""
    try:
        store = _container_of(file).walk(file).store
        return active_label(View(file, store)) if store else ""
    except (NotAnImage, Malformed):
        return ""


def _container_of(file: ByteSource) -> _Container:
    head = file.read_at(0, _MAX_SIGNATURE_BYTES)
    for container in _CONTAINERS:
        if head.startswith(container.signature):
            return container
    raise UnknownFormat("neither png, jpeg nor webp")


def shown(source: SpoolFile | View, original: SpoolFile) -> SpoolFile:
    """The source if it is a spool; else the original, which shows this view of it from now on."""
    if isinstance(source, SpoolFile):
        return source
    original.show(source)
    return original


def close_others(left: SpoolFile, *sources: SpoolFile | View) -> None:
    """Close all of these spools but one."""
    for source in sources:
        if isinstance(source, SpoolFile) and source is not left:
            source.close()
