"""A file with Content Credentials stays byte for byte as it came, or says why not."""

import io
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import sandbox
from storage.containers.pieces import NotAnImage
from storage.marking import marked, packet
from storage.probe import clean_image
from tests.storage.containers import (
    PROFILE,
    jpeg_segment,
    jpeg_with,
    picture,
    png_chunk,
    png_with,
    riff,
    webp_chunk,
)

FORMATS = ("png", "jpeg", "webp")
SIGNED = {name: Path(sandbox.__file__).with_name(f"signed.{name}").read_bytes() for name in FORMATS}
STORE_UUID = bytes.fromhex("63327061 0011 0010 8000 00aa00389b71")
MANIFEST_UUID = bytes.fromhex("63326d61 0011 0010 8000 00aa00389b71")


def box(kind: bytes, *content: bytes) -> bytes:
    data = b"".join(content)
    return struct.pack(">I", len(data) + 8) + kind + data


def superbox(uuid: bytes, label: bytes, *content: bytes) -> bytes:
    return box(b"jumb", box(b"jumd", uuid, b"\3", label, b"\0"), *content)


def store(*content: bytes, label: bytes = b"urn:c2pa:fox") -> bytes:
    return superbox(STORE_UUID, b"c2pa", superbox(MANIFEST_UUID, label, *content))


def nested(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = superbox(bytes(16), b"x", data)
    return data


def app11(data: bytes, *, number: int = 1, instance: int = 1) -> bytes:
    return jpeg_segment(0xEB, b"JP" + struct.pack(">HI", instance, number) + data)


def parts_of(data: bytes) -> list[bytes]:
    """A box in two segments, each with its head."""
    return [app11(data[:40]), app11(data[:8] + data[40:], number=2)]


def webp_with(*chunks: bytes) -> bytes:
    return riff(picture("WEBP")[12:], *chunks)


def itxt(keyword: bytes, text: bytes, *, is_packed: bool = False) -> bytes:
    text = zlib.compress(text) if is_packed else text
    return png_chunk(b"iTXt", keyword + (b"\0\1\0\0\0" if is_packed else b"\0\0\0\0\0") + text)


def exif(tag: int = 0x0131, next_at: int = 0) -> bytes:
    entry = struct.pack(">HHIHH", tag, 3, 1, 1, 0)
    return b"MM\0*\0\0\0\x08\0\1" + entry + struct.pack(">I", next_at)


STORE = png_chunk(b"caBX", store())
FIRST, SECOND = parts_of(store(bytes(80)))


@pytest.mark.parametrize("name", FORMATS)
def test_a_signed_file_can_stay_and_decoders_never_see_its_credentials(name, spooled):
    cleaned = clean_image(spooled(SIGNED[name]))

    assert cleaned.credentials.status == "kept"
    assert cleaned.credentials.label.startswith("urn:c2pa:")
    assert cleaned.facts.size == "1024x1024"
    assert cleaned.mended == ()
    assert b"jumb" not in cleaned.source.read_at(0, cleaned.source.size)


@pytest.mark.parametrize(
    "data",
    [
        png_with(STORE),
        png_with(STORE, itxt(b"XML:com.adobe.xmp", b"<x/>"), png_chunk(b"tEXt", b"a\0b")),
        png_with(STORE, png_chunk(b"eXIf", exif()), png_chunk(b"tIME", bytes(7))),
        jpeg_with(app11(store())),
        jpeg_with(FIRST, SECOND, jpeg_segment(0xFE, b"a comment")),
        jpeg_with(jpeg_segment(0xE1, b"Exif\0\0" + exif()), app11(store())),
        webp_with(webp_chunk(b"C2PA", store())),
        webp_with(webp_chunk(b"EXIF", exif()), webp_chunk(b"C2PA", store())),
    ],
)
def test_it_may_have_other_metadata_that_shows_and_tells_nothing(data, spooled):
    found = clean_image(spooled(data)).credentials

    assert (found.status, found.reason, found.label) == ("kept", "", "urn:c2pa:fox")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (png_with(png_chunk(b"caBX", store(bytes(5 * 1024**2)))), "too_large"),
        (png_with(STORE, png_chunk(b"tEXt", b"a\0" + bytes(65_536))), "too_large"),
        (png_with(STORE, *[png_chunk(b"tEXt", b"a\0b")] * 257), "too_large"),
        (png_with(STORE, STORE), "malformed"),
        (png_with(STORE, before=b"IEND"), "malformed"),
        (png_with() + STORE, "malformed"),
        (png_with(STORE) + b"more", "malformed"),
        (png_with(STORE[:-1] + b"!"), "malformed"),
        (png_with(STORE, png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"b"))), "malformed"),
        (png_with(STORE, itxt(b"a", b"b", is_packed=True)), "malformed"),
        (png_with(STORE, itxt(b"XML:com.adobe.xmp", b"<exif:GPSLatitude/>")), "malformed"),
        (png_with(STORE, png_chunk(b"eXIf", exif(tag=0x8825))), "malformed"),
        (png_with(STORE, png_chunk(b"eXIf", exif(next_at=26))), "mended"),
        (png_with(STORE, png_chunk(b"acTL", bytes(8))), "mended"),
        (png_with(STORE, *[png_chunk(b"gAMA", b"\0\0\xb1\x8f")] * 2), "mended"),
        (png_with(png_chunk(b"caBX", b"no box at all")), "malformed"),
        (png_with(png_chunk(b"caBX")), "malformed"),
        (png_with(png_chunk(b"caBX", box(b"jumb"))), "malformed"),
        (png_with(png_chunk(b"caBX", box(b"free"))), "malformed"),
        (png_with(png_chunk(b"caBX", store() + store())), "malformed"),
        (png_with(png_chunk(b"caBX", store() + box(b"free"))), "malformed"),
        (png_with(png_chunk(b"caBX", store()[:-1])), "malformed"),
        (png_with(png_chunk(b"caBX", store(box(b"brob", b"cbor")))), "malformed"),
        (png_with(png_chunk(b"caBX", store(nested(31)))), "malformed"),
        (png_with(png_chunk(b"caBX", store(*[box(b"free")] * 10_000))), "malformed"),
        (png_with(png_chunk(b"caBX", store(struct.pack(">I", 2**31) + b"cbor"))), "malformed"),
        (png_with(png_chunk(b"caBX", store(label=b""))), "malformed"),
        (png_with(png_chunk(b"caBX", superbox(bytes(16), b"c2pa"))), "malformed"),
        (jpeg_with(app11(store()), app11(store(), instance=2)), "malformed"),
        (jpeg_with(SECOND, FIRST), "malformed"),
        (jpeg_with(FIRST, jpeg_segment(0xFE, b"between"), SECOND), "malformed"),
        (jpeg_with(FIRST), "malformed"),
        (picture("JPEG")[:-2] + app11(store()) + b"\xff\xd9", "malformed"),
        (jpeg_with(app11(store())) + b"more", "malformed"),
        (jpeg_with(app11(store()), jpeg_segment(0xE0, b"JFXX\0\x10")), "mended"),
        (jpeg_with(app11(store()))[:-2], "mended"),
        (webp_with(*[webp_chunk(b"C2PA", store())] * 2), "malformed"),
        (webp_with(webp_chunk(b"C2PA", store()), b"EXIF\xff\xff\xff\x7f"), "malformed"),
        (webp_with(webp_chunk(b"C2PA", store()), webp_chunk(b"ICCP", PROFILE)), "mended"),
    ],
)  # fmt: skip
def test_what_could_hurt_or_reveal_goes_with_the_credentials(data, reason, spooled):
    cleaned = clean_image(spooled(data))

    assert (cleaned.credentials.status, cleaned.credentials.reason) == ("removed", reason)
    assert cleaned.facts.size == "61x47"
    assert b"jumb" not in cleaned.source.read_at(0, cleaned.source.size)


@pytest.mark.parametrize(
    "data",
    [
        png_with(STORE)[:-30],
        png_with(b"\x7f\xff\xff\xffcaBX" + store()),
        png_with(STORE, *[png_chunk(b"foXx")] * 100_000),
        jpeg_with(app11(store()), b"\xff\xeb\xff\xffJP"),
        webp_with(webp_chunk(b"C2PA", store()))[:-30],
    ],
)
def test_a_file_cut_short_or_of_endless_pieces_is_no_image(data, spooled):
    with pytest.raises(NotAnImage):
        clean_image(spooled(data))


def test_boxes_ten_thousand_deep_are_not_followed(spooled):
    heads, size = b"", 10_000 * len(superbox(bytes(16), b"x"))
    for left in range(size, 0, -(size // 10_000)):
        heads += struct.pack(">I", left) + superbox(bytes(16), b"x")[4:]

    cleaned = clean_image(spooled(png_with(png_chunk(b"caBX", store(heads)))))

    assert (cleaned.credentials.status, cleaned.credentials.reason) == ("removed", "malformed")


def test_a_store_takes_no_memory(spooled):
    spool = spooled(png_with(png_chunk(b"caBX", store(box(b"free", bytes(4_190_000))))))
    tracemalloc.start()

    cleaned = clean_image(spool)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert cleaned.credentials.status == "kept"
    assert peak_bytes < 1024**2


@pytest.mark.parametrize("depth", [1, 29])
def test_boxes_may_nest(depth, spooled):
    data = png_with(png_chunk(b"caBX", store(nested(depth))))

    assert clean_image(spooled(data)).credentials.status == "kept"


def test_the_last_manifest_is_the_active_one(spooled):
    manifests = [superbox(MANIFEST_UUID, label) for label in (b"urn:c2pa:one", b"urn:c2pa:two")]
    data = png_with(png_chunk(b"caBX", superbox(STORE_UUID, b"c2pa", *manifests)))

    assert clean_image(spooled(data)).credentials.label == "urn:c2pa:two"


def test_a_file_without_credentials_has_none(spooled):
    assert clean_image(spooled(picture("PNG"))).credentials.status == "none"


def opened(data: bytes) -> Any:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize(
    "data",
    [
        picture("PNG"),
        picture("PNG", "RGBA", icc_profile=PROFILE),
        picture("JPEG"),
        picture("JPEG", icc_profile=PROFILE)[:2] + picture("JPEG", icc_profile=PROFILE)[20:],
        picture("WEBP"),
        picture("WEBP", "RGBA", lossless=True),
        picture("WEBP", "RGBA", icc_profile=PROFILE),
    ],
)
def test_a_mark_is_one_field_and_changes_no_pixel(data, spooled):
    cleaned = clean_image(spooled(data))

    view = marked(cleaned.source, cleaned.facts.format, "trainedAlgorithmicMedia")
    result = view.read_at(0, view.size)

    xmp = opened(result).info["xmp"].decode()
    word = 'DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/{}"'
    assert word.format("trainedAlgorithmicMedia") in xmp
    assert len(packet("compositeWithTrainedAlgorithmicMedia")) < 600
    assert len(result) - len(data) < 600
    assert opened(result).mode == opened(data).mode
    assert opened(result).tobytes() == opened(data).tobytes()
    assert opened(result).info.get("icc_profile") == opened(data).info.get("icc_profile")
    again = clean_image(spooled(result))
    assert (again.facts, again.facts.has_alpha) == (cleaned.facts, cleaned.facts.has_alpha)
    assert b"xmp" not in again.source.read_at(0, again.source.size)
