"""The facts of an image, its format, width and height, and the proof that all of it decodes.

Only png, jpeg and webp are images here, recognized by their first bytes. Before a decoder sees an
image, its container is walked and stripped (stripping.py); then its header is read and the caps are
checked. A png's header is 13 bytes; libvips reads the headers of the others, and of a png with
chunks about its colours.

A png is inflated to its last row (scanlines.py). In the others each pixel is decoded once, strip by
strip, so memory does not grow with the image. Two kinds can only be decoded whole: webp, and jpeg
in several scans; so can an interlaced png when it is converted. Their memory is capped, and large
ones are decoded one at a time. Sizes are those of the picture turned upright according to its EXIF.
Raises NotAnImage, and SpoolError if a copy cannot be kept.
"""

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import NamedTuple, get_args

from pictor.kit.bytes.spool import SpoolFile
from storage import scanlines, tails, vips
from storage.containers import jpeg
from storage.containers.orientation import (
    FIRST_ON_ITS_SIDE,
    UPRIGHT,
    Orientation,
    orientation,
)
from storage.containers.pieces import Format, Mended, NotAnImage, View
from storage.containers.png import Header
from storage.content_credentials import NONE, Credentials, judge
from storage.stripping import strip

MENDED: tuple[Mended, ...] = get_args(Mended)
MAX_PIXELS = 16_000_000
STRIP_ROWS = 64
QUICK_BYTES, QUICK_DECODED_BYTES = 128 * 1024, 5_000_000
"""A png within both limits, for example of 1536x1024 pixels, is verified in 2 ms."""
MAX_WHOLE_BYTES = 90_000_000
"""The most memory for an image that is decoded whole: a webp of 11.2 megapixels at 8 bytes each,
just more than the largest size for sale."""
_DECODED_WHOLE = {"webp": "a webp", "jpeg": "a progressive jpeg", "png": "an interlaced png"}


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Facts read from an image's bytes, never assumed."""

    format: Format
    width: int
    height: int
    has_alpha: bool = field(default=False, compare=False)
    oddity: str = field(default="", compare=False)
    """A feature that decoders treat differently: frames, CMYK, 16 bits a channel. Mostly empty."""

    @property
    def size(self) -> str:
        """The size, such as '1024x1536'."""
        return f"{self.width}x{self.height}"


class Cleaned(NamedTuple):
    """A verified image without metadata."""

    source: SpoolFile | View
    """The spool that was read if there was nothing to drop; else a view of it, or a new spool."""
    facts: ImageFacts
    """The facts of the upright picture."""
    orientation: Orientation
    """The turn that the reader still has to give its pixels."""
    mended: tuple[Mended, ...]
    """The defects that were mended, including turning."""
    credentials: Credentials = NONE
    """`kept` if the spool that was read could be delivered as it came."""

    @property
    def is_upright(self) -> bool:
        """True if its pixels are stored upright."""
        return self.orientation == UPRIGHT


class NotAtOnce(Exception):
    """Raised if something has to be mended but `at_once` leaves no time."""


class TooManyPixels(NotAnImage):
    """More pixels than are decoded here; `problem` names the limit of the format."""

    def __init__(self, facts: ImageFacts, most_pixels: int) -> None:
        whose = "an image" if most_pixels == MAX_PIXELS else _DECODED_WHOLE[facts.format]
        self.problem = (
            f"has more than {most_pixels / 10**6:g} megapixels, the most that {whose} may have"
        )
        super().__init__(f"{facts.size} {self.problem}")


def is_quick(spool: SpoolFile) -> bool:
    """True if verifying it is faster than handing it to a thread: a small, plain png."""
    if spool.size > QUICK_BYTES:
        return False
    try:
        header = scanlines.plain_header(spool)
    except NotAnImage:
        return False
    return header is not None and header.decoded_bytes <= QUICK_DECODED_BYTES


def verify(spool: SpoolFile) -> ImageFacts:
    """Verify an image by reading all of it, with warnings as errors, and return its facts.

    Blocks, mostly without the interpreter lock: call it in a thread, once at a time per spool.
    """
    return clean_image(spool).facts


def clean_image(spool: SpoolFile, *, at_once: bool = False) -> Cleaned:
    """Like `verify`, but also return the image without the parts that viewers ignore.

    With `at_once`, raises NotAtOnce if something has to be mended or turned.
    """
    clean, image_format, file = strip(spool)
    turn = orientation(spool, file.exif)
    mended: list[Mended] = ["end_marker_added"] if file.pieces[-1] == jpeg.END else []
    facts, tail = _decode(clean, image_format)
    if file.is_animated:
        facts = replace(facts, oddity="animated")
    if at_once and (tail or turn != UPRIGHT):
        raise NotAtOnce
    if tail:
        clean = tails.cut(clean, tail, into=spool.sibling(max_bytes=tails.MAX_CUT_BYTES))
        mended.append("trailing_data_cut")
    if turn != UPRIGHT:
        mended.append("turned_upright")
    if turn >= FIRST_ON_ITS_SIDE:
        facts = replace(facts, width=facts.height, height=facts.width)
    return Cleaned(clean, facts, turn, tuple(mended), judge(spool, file))


def _decode(
    spool: SpoolFile | View, image_format: Format
) -> tuple[ImageFacts, scanlines.Tail | None]:
    """The facts of the pixels as stored, and the bytes that follow the image."""
    if image_format != "png":
        return _read_by_libvips(spool, image_format), None
    header = scanlines.plain_header(spool)
    facts = _read_by_libvips(spool, image_format) if header is None else _read_from(header)
    return facts, scanlines.prove(spool)


def _read_from(header: Header) -> ImageFacts:
    """The facts that libvips would report for a png with only its header and its image."""
    oddity = vips.SIXTEEN_BITS if header.is_deep else ""
    facts = ImageFacts(
        "png", header.width, header.height, has_alpha=header.has_alpha, oddity=oddity
    )
    _cap(facts, header.decoded_bytes if header.is_interlaced else 0)
    return facts


def _read_by_libvips(spool: SpoolFile | View, image_format: Format) -> ImageFacts:
    """The facts from the header; in a jpeg and a webp each pixel is decoded, too."""
    try:
        with vips.open_image(spool, image_format) as image:
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
    """The error for an image with broken pixels."""
    words = " ".join(str(error).split())[:200]
    return NotAnImage(f"a {image_format} that does not decode: {words}")
