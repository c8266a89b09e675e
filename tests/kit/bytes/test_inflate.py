"""Inflated sizes are bounded, whatever follows the stream."""

import gzip
import tracemalloc
from itertools import islice

import pytest

from pictor.kit.bytes.inflate import CannotInflate, inflater


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_a_gzip_body_of_several_members_is_one(step):
    packed = gzip.compress(b"hello, ") + gzip.compress(b"") + gzip.compress(b"world") + b"junk"
    pieces = inflater("gzip")

    body = b"".join(
        piece
        for start in range(0, len(packed), step)
        for piece in pieces(packed[start : start + step])
    )

    assert body == b"hello, world"


@pytest.mark.parametrize("then", [b"junk", gzip.compress(b"!")], ids=["junk", "member"])
def test_bytes_behind_a_member_that_fills_many_pieces_end_it_too(then):
    pieces = inflater("gzip")(gzip.compress(bytes(300_000)) + then)

    sizes = [len(piece) for piece in islice(pieces, 100)]

    assert sizes[:5] == [65_536] * 4 + [37_856]
    assert len(sizes) < 8


def test_a_gzip_body_has_at_most_256_members():
    pieces = inflater("gzip")

    assert b"".join(pieces(gzip.compress(b"a") * 256)) == b"a" * 256
    with pytest.raises(CannotInflate, match="more than 256 members"):
        list(pieces(gzip.compress(b"a")))


def test_bytes_after_a_compressed_body_are_dropped_and_not_kept():
    pieces = inflater("gzip")
    body = b"".join(pieces(gzip.compress(b"hello")))
    junk = bytes(64 * 1024)
    tracemalloc.start()

    more = [piece for _ in range(100) for piece in pieces(junk)]

    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (body, more) == (b"hello", [])
    assert peak_bytes < 2 * len(junk)
