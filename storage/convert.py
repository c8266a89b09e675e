"""Images converted to another format or size, or turned upright. They are held whole in memory.

This is the stated exception to flat memory. At most two run at once, in threads: libvips releases
the interpreter lock. Raises NotAnImage for unreadable pixels, SpoolError if the result cannot be
kept.
"""

from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Literal

from pictor.kit.bytes.spool import SpoolError, SpoolFile, Spools
from storage import vips
from storage.containers.orientation import UPRIGHT, Orientation
from storage.containers.pieces import Format, NotAnImage, View
from storage.probe import MAX_PIXELS, ImageFacts, clean_image, undecodable
from storage.stripping import close_others, shown, strip

LARGE_PIXELS = 4_500_000
"""Above this, one conversion runs at a time: libwebp needs some 35 bytes a pixel while it works."""
MAX_WEBP_PIXELS = 11_250_000
"""Just more than the largest size for sale. libwebp holds an image several times over: 37 bytes a
pixel with transparency, if it cannot be compressed."""
MAX_OUTPUT_BYTES = 64 * 1024**2
THUMBNAIL_QUALITY = 80
BEST_QUALITY = 100
"""OpenAI's default `output_compression`."""
TURNED_QUALITY = 95
"""The quality of a jpeg that was turned upright, with its colours at full resolution."""

_WHITE = [255, 255, 255]
_SRGB = frozenset({"srgb", "rgb", "b-w"})


def converted(
    file: SpoolFile | View,
    facts: ImageFacts,
    output_format: str,
    *,
    spools: Spools,
    size: tuple[int, int] | None = None,
    compression: int | None = None,
    orientation: Orientation = UPRIGHT,
) -> SpoolFile:
    """Convert an image to another format, another size, or upright.

    Args:
        file: the image; stays open.
        facts: its verified facts.
        output_format: png, jpeg or webp.
        spools: the scope of the result.
        size: it is scaled until it covers this width and height, then cropped to exactly that,
            centred. An image with one side right and the other too large is only cropped.
        compression: 0 to 100, OpenAI's `output_compression` (100 is best); png has none.
        orientation: how to turn its pixels.
    """
    came = facts.width, facts.height
    _cap(*came)
    _cap(*(size or came), output_format)
    access: Literal["sequential", "random"] = "random" if size else "sequential"
    opened = vips.open_image(file, facts.format, access=access, orientation=orientation)
    try:
        with vips.alone() if came[0] * came[1] > LARGE_PIXELS else nullcontext(), opened as image:
            result = spools.new(max_bytes=MAX_OUTPUT_BYTES)
            return _write(_cut(image, *size) if size else image, output_format, compression, result)
    except vips.Error as error:
        raise undecodable(facts.format, error) from error


def as_sent(spool: SpoolFile) -> tuple[SpoolFile, ImageFacts]:
    """Return an image from outside as it is sent on, without metadata, with its facts.

    It is the same spool, which shows less if there was metadata. If pixels were mended (probe.py),
    and of a webp, a new one replaces it, in the same scope. A turned image stays a jpeg or becomes
    a png, because libwebp would take some 35 bytes a pixel. An image with an oddity stays as it is:
    it is not sent.
    """
    cleaned = clean_image(spool)
    source, facts = cleaned.source, cleaned.facts
    if facts.oddity or (source is spool and cleaned.is_upright):
        close_others(spool, source)
        return spool, facts
    if not cleaned.is_upright:
        into: Format = "jpeg" if facts.format == "jpeg" else "png"
        turn, spools = cleaned.orientation, spool.spools
        sent = converted(
            source, facts, into, spools=spools, compression=TURNED_QUALITY, orientation=turn
        )
        facts = replace(facts, format=into)
    else:
        sent = shown(source, spool)
    _ = sent.sha256  # here, off the loop
    close_others(sent, spool, source)
    return sent, facts


def thumbnail(spool: SpoolFile, image_format: str, *, side: int, spools: Spools) -> SpoolFile:
    """Return a webp that fits into a square of `side` pixels; made one at a time per process.

    Args:
        spool: a stored image, perhaps with metadata; stays open.
        image_format: the image's format.
        side: the most pixels for width and height.
        spools: the scope of the result.
    """
    try:
        with vips.alone(), vips.open_image(strip(spool).source, image_format) as image:
            small = image.thumbnail_image(side, height=side, size="down")
            result = spools.new(max_bytes=MAX_OUTPUT_BYTES)
            return _write(small, "webp", THUMBNAIL_QUALITY, result)
    except vips.Error as error:
        raise undecodable(image_format, error) from error


def _cut(image: Any, width: int, height: int) -> Any:
    """Scale the image until it covers width x height, then crop it, centred."""
    scale = max(width / image.width, height / image.height)
    if scale != 1:
        image = image.resize(scale, kernel="lanczos3")
    image = _covering(image, width, height)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop(left, top, width, height)


def _cap(width: int, height: int, output_format: str = "") -> None:
    most = MAX_WEBP_PIXELS if output_format == "webp" else MAX_PIXELS
    if width * height > most:
        raise NotAnImage(f"more than {most} pixels")


def _covering(image: Any, width: int, height: int) -> Any:
    """Repeat the last row or column if rounding left one short."""
    if image.width >= width and image.height >= height:
        return image
    return image.embed(0, 0, max(width, image.width), max(height, image.height), extend="copy")


def _write(image: Any, output_format: str, compression: int | None, result: SpoolFile) -> SpoolFile:
    refused: list[SpoolError] = []

    def take(data: bytes) -> int:
        try:
            return result.write(data)
        except SpoolError as error:
            refused.append(error)
            return -1  # libvips then ends; the reason is raised below

    target = vips.new_target()
    target.on_write(take)
    try:
        _saveable(image, output_format).write_to_target(
            target, f".{output_format}", **_options(output_format, compression)
        )
    except vips.Error:
        if refused:
            raise refused[0] from None
        raise
    return result


def _saveable(image: Any, output_format: str) -> Any:
    """Reduce the image to what the format holds: jpeg no transparency, only png more than sRGB."""
    if output_format != "png" and image.interpretation not in _SRGB:
        image = image.colourspace("srgb")
    # Afterwards, because white is another number in 16 bits.
    if output_format == "jpeg" and image.hasalpha():
        image = image.flatten(background=_WHITE)
    return image


def _options(output_format: str, compression: int | None) -> dict[str, object]:
    quality = BEST_QUALITY if compression is None else compression
    options: dict[str, dict[str, object]] = {
        "png": {"keep": "icc"},
        "jpeg": {"keep": "icc", "Q": max(quality, 1)},  # libvips begins at 1, OpenAI at 0
        "webp": {"keep": "icc", "Q": quality},
    }
    return options[output_format]
