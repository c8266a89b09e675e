"""Inflated sizes are bounded, whatever follows the stream."""

import gzip
import tracemalloc
import zlib
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


TEXT = b'{"data": [{"b64_json": "aGVsbG8="}]}' * 40


def raw_deflated(body: bytes) -> bytes:
    state = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return state.compress(body) + state.flush()


WORDS = b"The service is away for a moment. " * 20


@pytest.mark.parametrize(
    ("label", "body", "expected"),
    [
        ("deflate", raw_deflated(TEXT), TEXT),
        ("deflate", zlib.compress(TEXT), TEXT),
        ("deflate", TEXT, TEXT),
        ("deflate", WORDS, WORDS),
        ("gzip, gzip", gzip.compress(gzip.compress(TEXT, mtime=0), mtime=0), TEXT),
        ("", gzip.compress(gzip.compress(TEXT, mtime=0), mtime=0), TEXT),
        ("", gzip.compress(zlib.compress(TEXT), mtime=0), zlib.compress(TEXT)),
    ],
    ids=["raw", "zlib", "plain", "words", "twice", "unlabelled", "once"],
)
def test_a_body_is_inflated_as_far_as_it_is_packed(label, body, expected):
    assert b"".join(inflater(label)(body)) == expected


def test_what_goes_on_behind_an_inner_layer_is_refused():
    inner = gzip.compress(b"hello", mtime=0)
    bomb = gzip.compress(inner + bytes(10_000_000), mtime=0)

    with pytest.raises(CannotInflate, match="goes on"):
        list(inflater("gzip")(bomb))
