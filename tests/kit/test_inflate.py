"""What inflates is bounded, whatever comes after it."""

import gzip
import tracemalloc

from pictor.kit.inflate import inflater


def test_what_follows_a_compressed_body_is_dropped_and_not_kept():
    pieces = inflater("gzip")
    body = b"".join(pieces(gzip.compress(b"hello")))
    junk = bytes(64 * 1024)
    tracemalloc.start()

    more = [piece for _ in range(100) for piece in pieces(junk)]

    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (body, more) == (b"hello", [])
    assert peak_bytes < 2 * len(junk)
