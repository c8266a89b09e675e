"""Proof that a PNG's scanlines are whole, by inflating them without making pixels.

It finds what a decoder finds: a broken checksum of a chunk or of the zlib stream, too few rows, an
unknown filter. It also finds what decoders let pass: a colour outside the palette, chunks among
those of the image, much data after it. A little data after it is reported, for tails.py to cut. The
caller has read the chunks before the image; only their checksums are checked here. Memory stays
flat, except for the indices of an image with a short palette. Raises NotAnImage.

Source: PNG (ISO/IEC 15948) 4.5, 5, 9 and 10; PNG, third edition, 10.2 and 13; RFC 1950 2.2.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import cast

from isal import isal_zlib
from isal.igzip_lib import DECOMP_ZLIB, IgzipDecompressor, IsalError

from pictor.kit.bytes.spool import reader_of
from storage.containers import png
from storage.containers.pieces import ByteSource, Chunk, NotAnImage, exactly
from storage.containers.png import PALETTE, Header

PIECE_BYTES = 512 * 1024
"""Bytes read and inflated at a time. Each piece gives up the interpreter lock and has to win it
back: beside a busy event loop, pieces of 96 KB took a third more CPU, and half as long again."""

MAX_OVERHEAD, SPARE_BYTES = 2, 64 * 1024
"""The factor and the bytes by which a stream may exceed its content. Blocks without data take time
and hold nothing: 50 MB of them took 15 s of CPU."""

MAX_TAIL_BYTES = 64 * 1024
"""The most bytes after the compressed stream, and after the last row in it: a whole buffer."""

MAX_PLAIN_CHUNKS = 64
"""Encoders write 1 chunk for each 8 KB or more; 10,000 empty ones took 60 ms."""
_CHECKSUM_BYTES = 4
_FILTERS = bytes(range(5))
_MAX_WINDOW_BITS = 15


def plain_header(spool: ByteSource) -> Header | None:
    """The header of a PNG of few chunks, nothing else before its image; None for any other."""
    chunks = png.chunks(spool)
    first, second = next(chunks), next(chunks, None)
    if second is None or second.kind != b"IDAT":
        return None
    others = list[Chunk]()
    with suppress(NotAnImage):  # cut short: that is found soon enough
        others.extend(islice(chunks, MAX_PLAIN_CHUNKS))
    if len(others) == MAX_PLAIN_CHUNKS:
        return None
    _prove_checksum(spool, first)
    return _header(spool, first)


@dataclass(frozen=True, slots=True)
class Tail:
    """The numbers of bytes in a PNG's IDATs after its image, each at most MAX_TAIL_BYTES."""

    after_stream: int
    """Bytes in the file, after the compressed stream."""
    after_rows: int
    """Inflated bytes, within the stream after the last row."""

    def __bool__(self) -> bool:
        """True if there are any bytes."""
        return bool(self.after_stream or self.after_rows)


def prove(spool: ByteSource) -> Tail:
    """Read a stripped PNG to its end; the caller has checked its header's values."""
    chunks = png.chunks(spool)
    header, colours = _header(spool, chunk := next(chunks)), 0
    while chunk.kind != b"IDAT":
        _prove_checksum(spool, chunk)
        colours = chunk.data.size // 3 if chunk.kind == b"PLTE" else colours
        chunk = next(chunks)
    rows, stream = _Rows(header.passes()), Inflated(image_data(spool, chain((chunk,), chunks)))
    for data in stream:
        rows.take(data)
        del data  # so that its memory, warm in the caches, holds the next piece
    rows.end()
    # A whole palette has a colour for every index.
    if header.colour_type == PALETTE and colours < 1 << header.depth:
        _look_up(spool, colours)
    return Tail(stream.bytes_after, rows.bytes_after)


class _Rows:
    """Counts scanlines as their bytes arrive and checks each one's filter."""

    def __init__(self, passes: Iterator[tuple[int, int]]) -> None:
        self._passes = passes
        self.bytes_after = 0
        """Bytes after the last row so far."""
        self._row_bytes = self._left = self._to_filter = 0
        self._next_pass()

    def take(self, data: bytes) -> None:
        """Take the next bytes of the image."""
        begin = 0
        while begin < len(data):
            if not self._left and not self._next_pass():
                self.bytes_after += len(data) - begin
                if self.bytes_after > MAX_TAIL_BYTES:
                    raise NotAnImage("a png with more rows than it says")
                return
            end = min(len(data), begin + self._left)
            filters = data[begin + self._to_filter : end : self._row_bytes]
            if filters.translate(None, _FILTERS):
                raise NotAnImage("a png with an unknown filter")
            self._to_filter = (self._to_filter + begin - end) % self._row_bytes
            self._left -= end - begin
            begin = end

    def end(self) -> None:
        """Check that all rows have arrived; no more bytes follow."""
        if self._left or self._next_pass():
            raise NotAnImage("a png with fewer rows than it says")

    def _next_pass(self) -> bool:
        self._row_bytes, rows = next(self._passes, (1, 0))
        self._left, self._to_filter = self._row_bytes * rows, 0
        return bool(rows)


def _header(spool: ByteSource, chunk: Chunk) -> Header:
    return Header.read(exactly(spool, chunk.data.offset, chunk.data.size))


def image_data(spool: ByteSource, chunks: Iterator[Chunk]) -> Iterator[bytes]:
    """Yield the content of the IDATs, each with its checksum verified; nothing may follow them."""
    for chunk in chunks:
        if chunk.kind not in {b"IDAT", b"IEND"}:
            raise NotAnImage(f"a png with {chunk.kind!r} after its image has begun")
        yield from _read_verified(spool, chunk)


def _prove_checksum(spool: ByteSource, chunk: Chunk) -> None:
    for _ in _read_verified(spool, chunk):
        pass


def _read_verified(spool: ByteSource, chunk: Chunk) -> Iterator[bytes]:
    """Yield a chunk's data and verify its checksum at the end."""
    checksum = isal_zlib.crc32(chunk.kind)
    end = chunk.data.end
    for offset in range(chunk.data.offset, end, PIECE_BYTES):
        data = exactly(spool, offset, min(PIECE_BYTES, end - offset))
        checksum = isal_zlib.crc32(data, checksum)
        yield data
    if checksum.to_bytes(_CHECKSUM_BYTES, "big") != exactly(spool, end, _CHECKSUM_BYTES):
        raise NotAnImage(f"a png with a broken {chunk.kind!r}")


class Inflated:
    """The content of a zlib stream, at most `PIECE_BYTES` at a time, and the bytes after it."""

    def __init__(self, stream: Iterator[bytes]) -> None:
        self._stream = stream
        self._taken = self._given = 0
        self.bytes_after = 0
        """Bytes after the stream's end so far."""

    def __iter__(self) -> Iterator[bytes]:
        first = next(self._stream, b"")
        inflater = IgzipDecompressor(flag=DECOMP_ZLIB, hist_bits=_window_bits(first))
        for data in chain((first,), self._stream):
            had_ended = inflater.eof
            if not had_ended:
                yield from self._parts(inflater, data)
            self._follow(len(data) if had_ended else len(inflater.unused_data))
        if not inflater.eof:
            raise NotAnImage("a png whose image is cut short")

    def _parts(self, inflater: IgzipDecompressor, data: bytes) -> Iterator[bytes]:
        """Yield everything that these bytes of the stream inflate to."""
        self._taken, rest = self._taken + len(data), data
        while not inflater.eof and (rest or not inflater.needs_input):
            try:
                part = inflater.decompress(rest, PIECE_BYTES)
            except IsalError as error:  # type: ignore[misc]  # its stub says an instance
                raise NotAnImage(f"a png that does not decode: {error}") from error
            self._given, rest = self._given + len(part), b""
            yield part
            del part
            if self._taken > MAX_OVERHEAD * self._given + SPARE_BYTES:
                raise NotAnImage("a png of more data than it has pixels")

    def _follow(self, size: int) -> None:
        self.bytes_after += size
        if self.bytes_after > MAX_TAIL_BYTES:
            raise NotAnImage("a png with data after its image")


def _window_bits(first: bytes) -> int:
    """The window that the stream declares: a decoder may hold no more than that."""
    bits = 8 + (first[0] >> 4 if first else 0)
    if bits > _MAX_WINDOW_BITS:
        raise NotAnImage("a png that does not decode: its window is none")
    return bits


def _look_up(spool: ByteSource, colours: int) -> None:
    from PIL import Image  # noqa: PLC0415 - 1 MB for what few images need

    try:
        with Image.open(reader_of(spool), formats=["PNG"]) as image:
            _, most = cast(tuple[int, int], image.getextrema())
    except (OSError, SyntaxError, ValueError) as error:
        raise NotAnImage(f"a png that does not decode: {error}") from error
    if most >= colours:
        raise NotAnImage(f"a png with colour {most} of a palette of {colours}")
