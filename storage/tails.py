"""Removal of the bytes after a PNG's image, inside the chunks of the image.

Some encoders write their whole buffer after the compressed stream, or a few bytes too many into it.
The specification says to ignore both, and decoders that are strict warn of them. The pixels, the
filters and all other chunks stay as they are. Memory stays flat. Raises SpoolError.

Source: PNG, third edition, 10.2 and 13.
"""

from collections.abc import Iterable, Iterator

from isal import isal_zlib

from pictor.kit.bytes.spool import CHUNK_BYTES, SpoolFile
from storage.containers import png
from storage.containers.pieces import ByteSource, Chunk
from storage.scanlines import Inflated, Tail, image_data

MAX_CUT_BYTES = 64 * 1024**2
"""The most bytes of a copy; rows that are compressed again may take a little more than before."""

_LEVEL = 2
"""One of ISA-L's three levels. 25 MB of 4K rows took 0.07 s (zlib's default: 1.5 s) and 3 % more
bytes."""


def cut(source: ByteSource, tail: Tail, *, into: SpoolFile) -> SpoolFile:
    """Write a proved PNG (scanlines.py) without its tail to a spool, and return that."""
    chunks = list(png.chunks(source))
    image = [chunk for chunk in chunks if chunk.kind == b"IDAT"]
    begin = image[0].span.offset
    for offset in range(0, begin, CHUNK_BYTES):
        into.write(source.read_at(offset, min(CHUNK_BYTES, begin - offset)))
    for data in _data(source, chunks[0], image, tail):
        into.write(_chunk(b"IDAT", data))
    into.write(_chunk(b"IEND", b""))
    return into


def _data(spool: ByteSource, header: Chunk, image: list[Chunk], tail: Tail) -> Iterator[bytes]:
    """The compressed stream in pieces; the original bytes if nothing follows its rows."""
    stream = image_data(spool, iter(image))
    if not tail.after_rows:
        return _first(stream, sum(chunk.data.size for chunk in image) - tail.after_stream)
    passes = png.Header.read(spool.read_at(header.data.offset, header.data.size)).passes()
    rows_bytes = sum(row_bytes * rows for row_bytes, rows in passes)
    return _deflate(_first(Inflated(stream), rows_bytes))


def _first(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the first `size` bytes of the pieces."""
    left = size
    for piece in pieces:
        if part := piece[:left]:
            yield part
        left -= len(part)
        if not left:
            return


def _deflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    deflater = isal_zlib.compressobj(_LEVEL)
    for piece in pieces:
        if data := deflater.compress(piece):
            yield data
    yield deflater.flush()


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    return (len(data)).to_bytes(4, "big") + kind + data + checksum.to_bytes(4, "big")
