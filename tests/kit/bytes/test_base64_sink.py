import base64
from pathlib import Path

import pytest

from pictor.kit.bytes.base64_sink import Base64Sink
from pictor.kit.bytes.spool import SpoolBudget, Spools

MEGABYTE = 1024**2


@pytest.fixture
def spools(tmp_path: Path) -> Spools:
    return Spools(tmp_path / "spool", SpoolBudget(10 * MEGABYTE))


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 4, 5, 77, 100_000])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 1000, 1001, 1002])
def test_base64_is_decoded_wherever_it_is_cut(spools, chunk_bytes, size):
    data = bytes(range(256)) * 4
    text = base64.b64encode(data[:size])

    sink = decoded(spools, text, chunk_bytes)

    assert sink.error is None
    assert b"".join(sink.spool.chunks()) == data[:size]
    sink.spool.close()


@pytest.mark.parametrize("chunk_bytes", [1, 3, 7, 1000])
@pytest.mark.parametrize(
    "prefix",
    [
        b"data:image/png;base64,",
        b"DATA:image/PNG;charset=utf-8;base64,",
        b"data:image/png;base64,\r\n",
    ],
)
def test_a_data_uri_is_understood(spools, chunk_bytes, prefix):
    sink = decoded(spools, prefix + b"QUJ\nDREV\r\n GRw==", chunk_bytes)

    assert sink.error is None
    assert sink.media_type == "image/png"
    assert b"".join(sink.spool.chunks()) == b"ABCDEFG"
    sink.spool.close()


def test_missing_padding_is_forgiven(spools):
    sink = decoded(spools, b"QUJDREVGRw", 4)

    assert sink.error is None
    assert b"".join(sink.spool.chunks()) == b"ABCDEFG"
    sink.spool.close()


@pytest.mark.parametrize("chunk_bytes", [1, 5, 1000])
@pytest.mark.parametrize(
    "text",
    [
        b"QUJ-REVG",
        b"QUJ_REVG",
        b"QUJD=REV",
        b"QQ==QUJD",
        b"QUJDR",
        b"https://example.com/image.png",
        b"data:image/png,QUJD",
        b"data:image/png;base64;QUJD",
        b"data:" + b"x" * 300 + b";base64,QUJD",
        b"\xc3\xa9QUJD",
        b"QU?D",
    ],
)
def test_a_text_that_is_no_base64_is_an_error(spools, chunk_bytes, text):
    sink = decoded(spools, text, chunk_bytes)

    assert sink.error is not None
    sink.spool.close()


def decoded(spools: Spools, text: bytes, chunk_bytes: int) -> Base64Sink:
    sink = Base64Sink(spools.new(max_bytes=MEGABYTE))
    for start in range(0, len(text), chunk_bytes):
        sink.write(text[start : start + chunk_bytes])
    sink.finish()
    return sink
