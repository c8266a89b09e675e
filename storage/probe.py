"""What an image is: format, width and height from its header, and whether all of it decodes.

png, jpeg and webp alone are images here. `probe` reads the header and decodes nothing. `verify`
decodes every pixel, strip by strip, so that its memory does not grow with the image (interlaced
png, progressive jpeg and webp are decoded whole by nature; the pixel cap bounds them). Sizes are
the stored pixels; a JPEG's EXIF rotation is not applied. Raises NotAnImage.

Sources: PNG (ISO/IEC 15948) 11.2.2; JPEG (ITU-T T.81) B.2.2; the WebP container specification.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from pictor.kit.spool import SpoolFile
from storage import vips

Format = Literal["png", "jpeg", "webp"]

MAX_PIXELS = 16_000_000
STRIP_ROWS = 64
MAX_JPEG_HEADER_BYTES = 16 * 1024**2
"""Profiles and thumbnails before a JPEG's frame header; more is not a picture."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER_BYTES = 33
_PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_WEBP_HEADER_BYTES = 30
_JPEG_SOI = b"\xff\xd8"
_JPEG_SOS, _JPEG_EOI = 0xDA, 0xD9
_JPEG_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive: what decoders decode. The other frame types are refused."""
_JPEG_OTHER_FRAMES = frozenset(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_JPEG_COMPONENTS = frozenset({1, 3, 4})
_MARKER = 0xFF
_MIN_SEGMENT_BYTES = 2
_FRAME_BYTES = 7
_SAMPLE_BITS = 8
_VP8L_SIGNATURE = 0x2F


class NotAnImage(ValueError):
    """Not a png, jpeg or webp, or a broken one."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Read from the bytes, never assumed."""

    format: Format
    width: int
    height: int

    @property
    def size(self) -> str:
        """'1024x1536'."""
        return f"{self.width}x{self.height}"


class SeekableFile(Protocol):
    """What `probe` needs of a binary file."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to an offset."""
        ...

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes."""
        ...


def probe(image: bytes | SeekableFile) -> ImageFacts:
    """Read format, width and height from a file or its bytes. A JPEG's may be far into the file."""
    file = io.BytesIO(image) if isinstance(image, bytes | bytearray) else image
    file.seek(0)
    head = file.read(_PNG_HEADER_BYTES)
    for magic, read in _READERS:
        if head.startswith(magic):
            facts = read(head, file)
            if facts.width < 1 or facts.height < 1:
                raise NotAnImage("no pixels")
            return facts
    raise NotAnImage("neither png, jpeg nor webp")


def verify(spool: SpoolFile, *, max_pixels: int = MAX_PIXELS) -> ImageFacts:
    """Decode everything, warnings as errors: the facts of what surely is an image.

    Blocks, mostly without the interpreter lock: call it in a thread, once at a time for a spool.
    """
    facts = probe(spool.reader())
    if facts.width * facts.height > max_pixels:
        raise NotAnImage(f"{facts.size} has more than {max_pixels} pixels")
    try:
        with vips.loaded(spool, facts.format) as image:
            if (image.width, image.height) != (facts.width, facts.height):
                raise NotAnImage(f"{image.width}x{image.height} pixels in one of {facts.size}")
            vips.decode(image, STRIP_ROWS)
    except vips.Error as error:
        raise undecodable(facts, error) from error
    return facts


def undecodable(facts: ImageFacts, error: Exception) -> NotAnImage:
    """The error for an image with a good header and bad pixels."""
    words = " ".join(str(error).split())[:200]
    return NotAnImage(f"a {facts.format} of {facts.size} that does not decode: {words}")


def _png(head: bytes, _file: SeekableFile) -> ImageFacts:
    if len(head) < _PNG_HEADER_BYTES or head[8:16] != b"\x00\x00\x00\rIHDR":
        raise NotAnImage("a png without its header")
    width, height = _big(head[16:20]), _big(head[20:24])
    depth, colour, compression, filtering, interlace = head[24:29]
    if depth not in _PNG_DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise NotAnImage("a png with an impossible header")
    return ImageFacts("png", width, height)


def _jpeg(_head: bytes, file: SeekableFile) -> ImageFacts:
    position = len(_JPEG_SOI)
    while position < MAX_JPEG_HEADER_BYTES:
        file.seek(position)
        marker = _jpeg_marker(file)
        if marker in _JPEG_NO_LENGTH:
            position += 2
            continue
        length = _big(file.read(2))
        if marker in _JPEG_FRAMES:
            return _jpeg_frame(file.read(_FRAME_BYTES))
        is_end = marker in {_JPEG_SOS, _JPEG_EOI} or marker in _JPEG_OTHER_FRAMES
        if is_end or length < _MIN_SEGMENT_BYTES:
            break
        position += 2 + length
    raise NotAnImage("a jpeg without a frame header that is decoded here")


def _jpeg_marker(file: SeekableFile) -> int:
    """The marker here. Fill bytes before it (T.81 B.1.1.2) are legal, never seen, and refused."""
    marker = file.read(2)
    if len(marker) < len(_JPEG_SOI) or marker[0] != _MARKER or marker[1] in {0, _MARKER}:
        raise NotAnImage("a broken jpeg")
    return marker[1]


def _jpeg_frame(frame: bytes) -> ImageFacts:
    if len(frame) < _FRAME_BYTES or frame[0] != _SAMPLE_BITS or frame[5] not in _JPEG_COMPONENTS:
        raise NotAnImage("a jpeg with an impossible frame header")
    return ImageFacts("jpeg", width=_big(frame[3:5]), height=_big(frame[1:3]))


def _webp(head: bytes, file: SeekableFile) -> ImageFacts:
    if len(head) < _WEBP_HEADER_BYTES or head[8:12] != b"WEBP":
        raise NotAnImage("a RIFF file that is no webp")
    end = file.seek(0, io.SEEK_END)
    if _little(head[4:8]) + 8 > end:
        raise NotAnImage("a webp cut short")
    kind = head[12:16]
    if kind == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF
    elif kind == b"VP8L" and head[20] == _VP8L_SIGNATURE:
        bits = _little(head[21:25])
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8X" and not head[20] & 0x02:
        width, height = _little(head[24:27]) + 1, _little(head[27:30]) + 1
    else:
        raise NotAnImage("an animated or unknown kind of webp")
    return ImageFacts("webp", width, height)


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


_READERS: tuple[tuple[bytes, Callable[[bytes, SeekableFile], ImageFacts]], ...] = (
    (_PNG_SIGNATURE, _png),
    (_JPEG_SOI, _jpeg),
    (b"RIFF", _webp),
)
