"""Removal of everything in an image that decoding does not need, before any decoder sees it.

Metadata is dropped from every image that comes from outside: text, EXIF, XMP, comments, thumbnails,
profiles above 1 MB, and bytes after the image's end. Customers did not buy it, it may reveal people
and places, and decoders unpack it into memory: 1.5 MB of PNG text took 2.4 GB. The orientation in
its EXIF is kept. What is left is read through a view of the file, not copied. Memory stays flat.
Raises NotAnImage, and SpoolError if a copy cannot be kept.
"""

from collections.abc import Callable
from shutil import copyfileobj
from typing import NamedTuple

from pictor.kit.bytes.spool import CHUNK_BYTES, SpoolFile, reader_of
from storage.containers import jpeg, png, webp
from storage.containers.jumbf import Malformed, active_label
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

_CONTAINERS: tuple[tuple[bytes, Format, Callable[[ByteSource], Parts]], ...] = (
    (png.SIGNATURE, "png", png.walk),
    (jpeg.SIGNATURE, "jpeg", jpeg.walk),
    (webp.SIGNATURE, "webp", webp.walk),
)
_MAX_SIGNATURE_BYTES = 8


class Stripped(NamedTuple):
    """An image without unneeded parts, its format, and all that its file holds."""

    source: SpoolFile | View
    """What decoders may read: the same spool if there was nothing to drop, mostly a view, of a webp
    a copy, as libwebp would take a view into memory."""
    format: Format
    file: Parts


def strip(spool: SpoolFile) -> Stripped:
    """Find the image without unneeded parts."""
    image_format, file = _walked(spool)
    pieces = joined(file.pieces)
    source: SpoolFile | View = spool
    if pieces != [ByteSpan(0, spool.size)]:
        source = View(spool.content, pieces)
        if image_format == "webp":
            copyfileobj(reader_of(source), copy := spool.sibling(), CHUNK_BYTES)
            source = copy
    return Stripped(source, image_format, file)


def manifest_label(file: ByteSource) -> str:
    """The label of a file's active manifest; empty without one, also of a file that is no image."""
    try:
        store = _walked(file)[1].store
        return active_label(View(file, store)) if store else ""
    except (NotAnImage, Malformed):
        return ""


def _walked(file: ByteSource) -> tuple[Format, Parts]:
    head = file.read_at(0, _MAX_SIGNATURE_BYTES)
    for signature, image_format, walk in _CONTAINERS:
        if head.startswith(signature):
            return image_format, walk(file)
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
