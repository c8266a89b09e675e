"""Bytes after a PNG's image in its IDATs are cut, and strict decoders take the rest."""

import io
import struct
import zlib

import pytest
from PIL import Image

from pictor.kit.bytes.spool import ReadableAt
from storage.convert import as_sent
from storage.probe import NotAtOnce, clean_image, is_quick
from storage.scanlines import PIECE_BYTES
from tests.storage.pngs import (
    KINDS,
    Kind,
    chunk,
    dice_of,
    is_taken_by_libpng,
    png,
    scanlines,
)

CUT = ("trailing_data_cut",)
ROWS = b"".join(b"\1" + bytes(range(n, n + 30)) for n in range(20))
"""Scanlines of 10x20 pixels in RGB."""
STREAM = zlib.compress(ROWS)


def with_idats(*pieces: bytes) -> bytes:
    """A PNG of 10x20 pixels with its image data in these IDATs."""
    head, tail = png(b"", 10, 20)[:-12], chunk(b"IEND")
    return head + b"".join(chunk(b"IDAT", piece) for piece in pieces) + tail


def content(file: ReadableAt) -> bytes:
    return file.read_at(0, file.size)


def rows_in(data: bytes) -> bytes:
    """Rows found by a strict reader: right checksums, and a stream without a tail."""
    position, stream = 8, b""
    while position < len(data):
        size, kind = struct.unpack(">I4s", data[position : position + 8])
        body = data[position + 8 : position + 8 + size]
        assert data[position : position + 12 + size] == chunk(kind, body)
        stream += body if kind == b"IDAT" else b""
        position += 12 + size
    inflater = zlib.decompressobj()
    rows = inflater.decompress(stream)
    assert inflater.eof
    assert inflater.unused_data == b""
    return rows


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGBA").tobytes()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_idats(STREAM + bytes(7)), id="zeros in the last chunk"),
        pytest.param(with_idats(STREAM + b"junk"), id="anything in the last chunk"),
        pytest.param(with_idats(STREAM, bytes(7)), id="a chunk of their own"),
        pytest.param(with_idats(STREAM[:9], STREAM[9:] + b"\0", b"", bytes(9)), id="several"),
        pytest.param(with_idats(STREAM, STREAM), id="a second stream"),
        pytest.param(with_idats(STREAM + bytes(65_536)), id="the most after the stream"),
        pytest.param(with_idats(zlib.compress(ROWS + b"\0")), id="a byte after the last row"),
        pytest.param(with_idats(zlib.compress(ROWS + ROWS)), id="as many rows again"),
        pytest.param(with_idats(zlib.compress(ROWS + b"\xff" * 31)), id="an unknown filter"),
        pytest.param(with_idats(zlib.compress(ROWS + bytes(65_536))), id="the most after the rows"),
        pytest.param(with_idats(zlib.compress(ROWS + b"\0" * 9) + bytes(9)), id="after both"),
    ],
)
def test_bytes_after_the_image_are_cut(data, spooled, caplog):
    spool = spooled(data)

    clean, facts, _, mended, _ = clean_image(spool)

    assert facts.size == "10x20"
    assert mended == CUT
    assert is_taken_by_libpng(clean)
    assert caplog.messages == []  # libpng's warnings
    assert rows_in(content(clean)) == ROWS
    assert clean_image(spooled(content(clean))).mended == ()
    assert content(as_sent(spool)[0]) == content(clean)


@pytest.mark.parametrize("data", [with_idats(STREAM), with_idats(STREAM, b"", b"")])
def test_an_image_without_a_tail_is_left_untouched(data, spooled):
    spool = spooled(data)

    assert clean_image(spool)[:4:3] == (spool, ())
    assert as_sent(spool)[0] is spool
    assert content(spool) == data


@pytest.mark.parametrize(("depth", "colour_type"), KINDS)
@pytest.mark.parametrize("adam7", [False, True])
def test_every_kind_of_png_is_cut_to_the_very_same_rows(depth, colour_type, adam7, spooled):
    kind = Kind(depth=depth, colour_type=colour_type, adam7=adam7)
    rows = scanlines(dice_of(5), 61, 47, **kind)
    data = png(zlib.compress(rows + b"\0" * 40) + b"\0" * 8, 61, 47, **kind)

    clean, _, _, mended, _ = clean_image(spooled(data))

    assert mended == CUT
    assert is_taken_by_libpng(clean)
    assert rows_in(content(clean)) == rows


@pytest.mark.parametrize("level", [0, 6], ids=["longer than a piece", "noise"])
@pytest.mark.parametrize(("after_rows", "after_stream"), [(b"", b"\0" * 9), (b"\0" * 9, b"")])
def test_a_tail_is_cut_from_an_image_longer_than_a_piece(level, after_rows, after_stream, spooled):
    noise = dice_of(6).randbytes(3 * 520)
    rows = b"".join(b"\4" + noise[at:] + noise[:at] for at in range(1_050))
    data = png(zlib.compress(rows + after_rows, level) + after_stream, 520, 1_050)

    clean, facts, _, mended, _ = clean_image(spooled(data))

    assert len(rows) > 3 * PIECE_BYTES
    assert (facts.size, mended) == ("520x1050", CUT)
    assert rows_in(content(clean)) == rows


def test_all_other_chunks_stay_and_the_metadata_goes(spooled):
    kept = chunk(b"gAMA", b"\0\0\xb1\x8f") + chunk(b"PLTE", bytes(range(90)))
    kept += chunk(b"tRNS", b"\x80")
    rows = bytes([0, *range(30)] * 20)
    data = png(zlib.compress(rows) + b"\0" * 5, 30, 20, colour_type=3, colours=30)
    palette = data.index(b"PLTE") - 4
    text = chunk(b"tEXt", b"place\0at home")
    dirty = data[:palette] + kept + text + data[palette + 12 + 90 :]

    clean, facts, _, mended, _ = clean_image(spooled(dirty))

    assert (facts.size, mended) == ("30x20", CUT)
    assert kept in content(clean)
    assert b"at home" not in content(clean)
    assert pixels(content(clean)) == pixels(dirty)


def test_a_small_one_is_not_cut_at_once(spooled):
    spool = spooled(with_idats(STREAM + b"\0"))

    assert is_quick(spool)
    with pytest.raises(NotAtOnce):
        clean_image(spool, at_once=True)
