"""What an image is: format, width and height, and whether all of it decodes.

png, jpeg and webp alone are images here, told by their first bytes. Before a decoder sees one, its
container is walked and stripped (stripping.py); then its header is read and the caps are checked. A
png's are 13 bytes; libvips reads that of the others, and of a png with chunks about its colours.
A png is inflated to its last row (scanlines.py); of the others each pixel is decoded once, strip by
strip, so that memory does not grow with the image. Two kinds are decoded whole by nature:
webp, and jpeg in several scans; so is an interlaced png when it is converted. What that takes is
capped, and large ones are decoded one at a time. Sizes are those of the picture turned upright, as
its EXIF says. Raises NotAnImage, and SpoolError where a copy cannot be kept.
"""

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import NamedTuple, get_args

from pictor.kit.bytes.spool import SpoolFile
from storage import scanlines, tails, vips
from storage.containers import png
from storage.containers.orientation import FIRST_ON_ITS_SIDE, UPRIGHT, Orientation
from storage.containers.pieces import Animated, Format, Mended, NotAnImage
from storage.containers.png_header import Header
from storage.stripping import stripped

__all__ = [
    "MENDED",
    "Animated",
    "Cleaned",
    "Format",
    "ImageFacts",
    "Mended",
    "NotAnImage",
    "NotAtOnce",
    "TooManyPixels",
    "cleaned",
    "is_quick",
    "undecodable",
    "verify",
]

MENDED: tuple[Mended, ...] = get_args(Mended)
MAX_PIXELS = 16_000_000
STRIP_ROWS = 64
QUICK_BYTES, QUICK_DECODED_BYTES = 128 * 1024, 5_000_000
"""A png within both, 1536x1024 pixels for one, is verified in 2 ms; the worst that anyone can make
of the former, of nothing but empty blocks or chunks, in 60."""
MAX_WHOLE_BYTES = 90_000_000
"""What an image that is decoded whole may take: a webp of 11.2 megapixels at 8 bytes each, just
more than the largest size that is sold."""
_DECODED_WHOLE = {"webp": "a webp", "jpeg": "a progressive jpeg", "png": "an interlaced png"}
MEMORY_CEILING_BYTES = 150_000_000
"""What verifying one image adds to a process, the mapped file included. Tests reach for it."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Read from the bytes, never assumed."""

    format: Format
    width: int
    height: int
    has_alpha: bool = field(default=False, compare=False)
    oddity: str = field(default="", compare=False)
    """What decoders do not agree on, in words: frames, CMYK, 16 bits a channel. Mostly empty."""

    @property
    def size(self) -> str:
        """'1024x1536'."""
        return f"{self.width}x{self.height}"


class Cleaned(NamedTuple):
    """An image that surely is one, without metadata."""

    spool: SpoolFile
    """The very one that was read, or in its scope another one."""
    facts: ImageFacts
    """Of the picture when it is upright."""
    orientation: Orientation
    """How its pixels are still to be turned, by whoever reads them."""
    mended: tuple[Mended, ...]
    """What was put right, turning it included."""

    @property
    def is_upright(self) -> bool:
        """Whether its pixels are to be seen as they are."""
        return self.orientation == UPRIGHT


class NotAtOnce(Exception):
    """Something has to be put right, for which there is no time."""


class TooManyPixels(NotAnImage):
    """More than are decoded here; `problem` says how many its kind may have."""

    def __init__(self, facts: ImageFacts, most_pixels: int) -> None:
        whose = "an image" if most_pixels == MAX_PIXELS else _DECODED_WHOLE[facts.format]
        self.problem = (
            f"has more than {most_pixels / 10**6:g} megapixels, the most that {whose} may have"
        )
        super().__init__(f"{facts.size} {self.problem}")


def is_quick(spool: SpoolFile) -> bool:
    """Whether verifying it takes less than handing it to a thread: a small png that is plain."""
    if spool.size > QUICK_BYTES:
        return False
    try:
        header = scanlines.plain_header(spool)
    except NotAnImage:
        return False
    return header is not None and header.decoded_bytes <= QUICK_DECODED_BYTES


def verify(spool: SpoolFile) -> ImageFacts:
    """Read everything, warnings as errors: the facts of what surely is an image.

    Blocks, mostly without the interpreter lock: call it in a thread, once at a time for a spool.
    """
    return cleaned(spool).facts


def cleaned(spool: SpoolFile, *, at_once: bool = False) -> Cleaned:
    """As `verify`, and what was read, without what viewers ignore.

    Raises NotAtOnce, if it is wanted at once, for what is to be mended or turned.
    """
    clean, image_format, orientation, got_end = stripped(spool)
    mended: list[Mended] = ["end_marker_added"] if got_end else []
    facts, tail = _decoded(clean, image_format)
    if image_format == "png" and png.is_animated(spool):
        facts = replace(facts, oddity="animated")
    if at_once and (tail or orientation != UPRIGHT):
        raise NotAtOnce
    if tail:
        whole, clean = clean, tails.cut(clean, tail)
        mended.append("trailing_data_cut")
        if whole is not spool:
            whole.close()
    if orientation != UPRIGHT:
        mended.append("turned_upright")
    if orientation >= FIRST_ON_ITS_SIDE:
        facts = replace(facts, width=facts.height, height=facts.width)
    return Cleaned(clean, facts, orientation, tuple(mended))


def _decoded(spool: SpoolFile, image_format: Format) -> tuple[ImageFacts, scanlines.Tail | None]:
    """The facts, as the pixels are stored, and what follows them."""
    if image_format != "png":
        return _read_by_libvips(spool, image_format), None
    header = scanlines.plain_header(spool)
    facts = _read_by_libvips(spool, image_format) if header is None else _read_from(header)
    return facts, scanlines.prove(spool)


def _read_from(header: Header) -> ImageFacts:
    """What libvips says of a png that has nothing but its header and its image."""
    oddity = vips.SIXTEEN_BITS if header.is_deep else ""
    facts = ImageFacts(
        "png", header.width, header.height, has_alpha=header.has_alpha, oddity=oddity
    )
    _cap(facts, header.decoded_bytes if header.is_interlaced else 0)
    return facts


def _read_by_libvips(spool: SpoolFile, image_format: Format) -> ImageFacts:
    """The header; of a jpeg and a webp each pixel too."""
    try:
        with vips.loaded(spool, image_format) as image:
            facts = ImageFacts(
                image_format,
                image.width,
                image.height,
                has_alpha=bool(image.hasalpha()),
                oddity=vips.oddity(image),
            )
            whole_bytes = vips.whole_bytes(image, image_format)
            _cap(facts, whole_bytes)
            if image_format != "png":
                with vips.alone() if whole_bytes > vips.LARGE_BYTES else nullcontext():
                    vips.decode(image, STRIP_ROWS)
    except vips.Error as error:
        raise undecodable(image_format, error) from error
    return facts


def _cap(facts: ImageFacts, whole_bytes: int) -> None:
    pixels = facts.width * facts.height
    most = min(MAX_PIXELS, MAX_WHOLE_BYTES * pixels // whole_bytes) if whole_bytes else MAX_PIXELS
    if pixels > most:
        raise TooManyPixels(facts, most)


def undecodable(image_format: str, error: Exception) -> NotAnImage:
    """The error for an image whose pixels are bad."""
    words = " ".join(str(error).split())[:200]
    return NotAnImage(f"a {image_format} that does not decode: {words}")
