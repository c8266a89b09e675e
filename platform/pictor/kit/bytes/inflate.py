"""Compressed bodies in bounded pieces, so that a bomb is seen before it has grown.

`inflater("gzip")` gives a function from the next raw bytes to pieces, of at most 64 KB where they
were compressed; its caller counts them and stops. A gzip body may have several members (RFC 1952,
2.2). What follows the end of a compressed body is dropped: zlib would keep it all. Knows gzip,
deflate and identity. Raises CannotInflate.
"""

import zlib
from collections.abc import Callable, Iterator

PIECE_BYTES = 64 * 1024

_GZIP = b"\x1f\x8b"

Inflate = Callable[[bytes], Iterator[bytes]]


class CannotInflate(ValueError):
    """An encoding that is not known here, or bytes that are not of it."""


def pieces_of(state: "zlib._Decompress", raw: bytes) -> Iterator[bytes]:
    """What the next bytes become; raises zlib.error. What follows the end is `unused_data`."""
    piece = state.decompress(raw, PIECE_BYTES)
    while piece or state.unconsumed_tail:
        yield piece
        piece = state.decompress(state.unconsumed_tail, PIECE_BYTES)  # empty, it asks for the rest


def inflater(encoding: str) -> Inflate:
    """For the value of a Content-Encoding header; empty means identity."""
    word = encoding.strip().lower()
    if word in {"", "identity"}:
        return lambda raw: iter((raw,))
    if word not in {"gzip", "x-gzip", "deflate"}:
        raise CannotInflate(f"content encoding {word[:40]!r}")
    state = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, told by their headers
    has_ended = False

    def pieces(raw: bytes) -> Iterator[bytes]:
        nonlocal state, has_ended
        try:
            while raw and not has_ended:
                if state.eof:
                    has_ended = not raw.startswith(_GZIP[: len(raw)])
                    state = zlib.decompressobj(zlib.MAX_WBITS | 16)
                    continue
                yield from pieces_of(state, raw)
                raw = state.unused_data
        except zlib.error as error:
            raise CannotInflate(f"broken {word} body: {error}") from None

    return pieces
