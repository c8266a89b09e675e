"""Compressed bodies in bounded pieces, so that a bomb is noticed before it has grown.

`inflater("gzip")` returns a function from the next raw bytes to pieces, each of at most 64 KB if
the body is compressed; the caller counts them and stops. A gzip body may have several members (RFC
1952, 2.2). Bytes after a compressed body's end are dropped, because zlib would keep them all.
Supports gzip, deflate and identity. A label may lie or be none, such as `utf-8`: a gzip body
without one is inflated, also within another, and a body that does not begin as its label says is
passed on as it is. `deflate` may lack the header of zlib, as Microsoft's servers sent it.
Raises CannotInflate.
"""

import zlib
from collections.abc import Callable, Iterator

PIECE_BYTES = 64 * 1024
MAX_MEMBERS = 256
"""The most members of a gzip body: the bytes behind each are copied, and an empty one is small."""

MAX_EMPTY = 64
"""The most pieces of an outer layer in a row that bring nothing."""

_GZIP = b"\x1f\x8b"
_LABELS = ("gzip", "deflate")
_OTHERS = frozenset({"br", "zstd", "compress"})
_HEAD_BYTES, _GLANCE_BYTES = 2, 64

Inflate = Callable[[bytes], Iterator[bytes]]


class CannotInflate(ValueError):
    """The encoding is not supported, or the bytes do not follow it."""


def pieces_of(state: "zlib._Decompress", raw: bytes) -> Iterator[bytes]:
    """Decompress the next bytes. Raises zlib.error. Bytes after the end are in `unused_data`."""
    piece = state.decompress(raw, PIECE_BYTES)
    while piece or (state.unconsumed_tail and not state.eof):
        yield piece
        # An empty tail gives the buffered rest. After the end, zlib would keep its tail for ever.
        piece = b"" if state.eof else state.decompress(state.unconsumed_tail, PIECE_BYTES)


def inflater(encoding: str, *, layers: int = 2) -> Inflate:
    """Return the function for a Content-Encoding header's value; empty means identity.

    At most `layers` are inflated: a body may be made to unpack to itself.
    """
    word = encoding.strip().lower()
    if word in _OTHERS:
        raise CannotInflate(f"content encoding {word[:40]!r}")
    is_labelled = any(label in word for label in _LABELS)
    chosen: Inflate | None = None
    head = b""

    def pieces(raw: bytes) -> Iterator[bytes]:
        nonlocal chosen, head
        if chosen is None:
            head += raw
            may_be_packed = is_labelled or _GZIP.startswith(head)
            if not head or (may_be_packed and len(head) < _HEAD_BYTES):
                return
            if head.startswith(_GZIP) or (is_labelled and _begins_as_zlib(head)):
                chosen = _inflating(word or "gzip")
                if layers > 1:
                    chosen = _one_in_another(chosen, inflater("", layers=layers - 1))
            elif "deflate" in word and _goes_on_as_deflate(head):
                chosen = _inflating(word, wbits=-zlib.MAX_WBITS)
            else:
                chosen = _as_it_is
            raw, head = head, b""
        yield from chosen(raw)

    return pieces


def _begins_as_zlib(head: bytes) -> bool:
    """True if it has the header of RFC 1950, 2.2."""
    return head[0] & 15 == zlib.DEFLATED and int.from_bytes(head[:_HEAD_BYTES]) % 31 == 0


def _goes_on_as_deflate(head: bytes) -> bool:
    """True if it may be the begin of RFC 1951's blocks, and is not JSON."""
    try:
        zlib.decompressobj(-zlib.MAX_WBITS).decompress(head, _GLANCE_BYTES)
    except zlib.error:
        return False
    return not head.startswith((b"{", b"["))


def _one_in_another(outer: Inflate, inner: Inflate) -> Inflate:
    empty = 0

    def pieces(raw: bytes) -> Iterator[bytes]:
        nonlocal empty
        for packed in outer(raw):
            empty += 1
            for piece in inner(packed):
                empty = 0
                yield piece
            if empty > MAX_EMPTY:  # what a caller does not get, it does not count
                raise CannotInflate("a body whose inner layer has ended goes on")

    return pieces


def _as_it_is(raw: bytes) -> Iterator[bytes]:
    yield raw


def _inflating(word: str, *, wbits: int = zlib.MAX_WBITS | 32) -> Inflate:
    state = zlib.decompressobj(wbits)  # by default gzip or zlib, told by their headers
    has_ended, members = False, 1

    def pieces(raw: bytes) -> Iterator[bytes]:
        nonlocal state, has_ended, members
        try:
            while raw and not has_ended:
                if state.eof:
                    has_ended, members = not raw.startswith(_GZIP[: len(raw)]), members + 1
                    if members > MAX_MEMBERS:
                        raise CannotInflate(f"{word} body of more than {MAX_MEMBERS} members")
                    state = zlib.decompressobj(zlib.MAX_WBITS | 16)
                    continue
                yield from pieces_of(state, raw)
                raw = state.unused_data
        except zlib.error as error:
            raise CannotInflate(f"broken {word} body: {error}") from None

    return pieces
