"""Any signed file with any other parts: what stays is the file that came, as whole as it was."""

import io
import struct
import zlib
from collections.abc import Callable

import c2pa
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from generation.channels.base import UpstreamImage
from generation.dispatch.pixels import WantedImage, verify_image
from generation.lifecycle.outcome import VerifiedImage
from pictor.kit.bytes.spool import SpoolBudget, Spools
from storage.manifest_reader import LIMITS
from tests.making.certificates import signing_files
from tests.making.verified import verified
from tests.storage.containers import PROFILE, jpeg_segment, picture, png_chunk, riff, webp_chunk

EXIF = b"MM\0*\0\0\0\x08\0\1\1\x31\0\3\0\0\0\1\0\0\0\0\0\0\0\0"
PLACE = EXIF.replace(b"\1\x31", b"\x88\x25", 1)
"""With a tag that says where."""
XMP = b"http://ns.adobe.com/xap/1.0/\0<x/>"
PARTS = {
    "png": [
        png_chunk(b"tEXt", b"a\0b"),
        png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"b")),
        png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>"),
        png_chunk(b"eXIf", EXIF),
        png_chunk(b"eXIf", PLACE),
        png_chunk(b"tIME", bytes(7)),
        png_chunk(b"gAMA", b"\0\0\xb1\x8f"),
        png_chunk(b"acTL", bytes(8)),
        png_chunk(b"caBX", b"fox"),
        png_chunk(b"foXx", bytes(70_000)),
    ],
    "jpeg": [
        jpeg_segment(0xFE, b"a comment"),
        jpeg_segment(0xE1, b"Exif\0\0" + EXIF),
        jpeg_segment(0xE1, b"Exif\0\0" + PLACE),
        jpeg_segment(0xE1, XMP),
        jpeg_segment(0xE2, b"ICC_PROFILE\0\1\1" + PROFILE),
        jpeg_segment(0xE0, b"JFXX\0\x10"),
        jpeg_segment(0xEB, b"JP" + struct.pack(">HI", 9, 1) + bytes(16)),
        jpeg_segment(0xED, bytes(40_000)),
    ],
    "webp": [
        webp_chunk(b"EXIF", EXIF),
        webp_chunk(b"EXIF", PLACE),
        webp_chunk(b"XMP ", b"<x/>"),
        webp_chunk(b"ICCP", PROFILE),
        webp_chunk(b"C2PA", b"fox"),
        webp_chunk(b"ANIM", bytes(6)),
        webp_chunk(b"FOXX", bytes(70_001)),
    ],
}
ACTIONS = {"actions": [{"action": "c2pa.created", "digitalSourceType": "http://foxes.example/"}]}
MANIFEST = {"assertions": [{"label": "c2pa.actions.v2", "data": ACTIONS}]}
PICTURES = {
    "png": picture("PNG"),
    "jpeg": picture("JPEG"),
    "webp": picture("WEBP", icc_profile=PROFILE),  # in the extended format
}


Sign = Callable[[bytes, str], bytes | None]


def chunks(data: bytes, name: str) -> list[bytes]:
    """The parts of a file, without a webp's head, which `file_of` makes."""
    order, around, begin = (">", 12, 8) if name == "png" else ("<", 8, 12)
    found, position = [data[:8]] if name == "png" else [], begin
    while position < len(data):
        (size,) = struct.unpack_from(f"{order}I", data, position + (0 if name == "png" else 4))
        end = position + around + size + (size % 2 if name == "webp" else 0)
        found.append(data[position:end])
        position = end
    return found


def segments(data: bytes) -> list[bytes]:
    """The parts of a jpeg; its scan and its end are one."""
    found, position = [data[:2]], 2
    while data[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        found.append(data[position:end])
        position = end
    return [*found, data[position:]]


def parts_of(data: bytes, name: str) -> list[bytes]:
    return segments(data) if name == "jpeg" else chunks(data, name)


def file_of(parts: list[bytes], name: str) -> bytes:
    return riff(*parts) if name == "webp" else b"".join(parts)


@st.composite
def changed(draw: st.DrawFn, data: bytes, name: str, ways: list[str]) -> bytes:
    """The file with up to two parts inserted, moved, duplicated or left out, after its first."""
    parts = parts_of(data, name)
    for how in draw(st.lists(st.sampled_from(ways), max_size=2)):
        at = draw(st.integers(1, len(parts) - 1))
        part = draw(st.sampled_from(PARTS[name])) if how == "insert" else parts[at]
        if how in {"move", "leave out"}:
            del parts[at]
        if how != "leave out":
            parts.insert(draw(st.integers(1, len(parts))), part)
    return file_of(parts, name)


def state_of(data: bytes, name: str) -> str:
    """What the library says of a file."""
    try:
        return str(verified(data, name)["state"])
    except c2pa.C2paError:
        return "no manifest"


def delivered(data: bytes, name: str, spools: Spools) -> VerifiedImage | None:
    spool = spools.new(max_bytes=10_000_000)
    spool.write(data)
    return verify_image(UpstreamImage(spool), wanted=WantedImage(name), spools=spools)


@pytest.fixture(scope="module")
def scope(tmp_path_factory: pytest.TempPathFactory) -> Spools:
    return Spools(tmp_path_factory.mktemp("spool"), SpoolBudget(1024**3))


@pytest.fixture(scope="module")
def sign(tmp_path_factory: pytest.TempPathFactory) -> Sign:
    """Sign as the library does, if it can."""
    files = signing_files(tmp_path_factory.mktemp("certificate"))
    pem = files.certificate.read_bytes(), files.key.read_bytes()
    signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo("es256", *pem, None))
    context = c2pa.Context.from_dict(LIMITS, signer=signer)

    def signed(data: bytes, name: str) -> bytes | None:
        into = io.BytesIO()
        try:
            c2pa.Builder(MANIFEST, context=context).sign(f"image/{name}", io.BytesIO(data), into)
        except c2pa.C2paError:
            return None
        return into.getvalue()

    return signed


def with_other_pixels(data: bytes, name: str) -> bytes:
    """By a bit of its quantization or its profile, or the same rows compressed in another way."""
    if name != "png":
        place = data.index(b"\xff\xdb" if name == "jpeg" else b"ICCP") + 60
        return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    parts = chunks(data, name)
    (at,) = [at for at, part in enumerate(parts) if part[4:8] == b"IDAT"]
    rows = zlib.decompress(parts[at][8:-4])
    return b"".join([*parts[:at], png_chunk(b"IDAT", zlib.compress(rows, 1)), *parts[at + 1 :]])


@pytest.mark.parametrize("name", ["png", "jpeg", "webp"])
def test_what_was_changed_after_signing_is_delivered_as_it_came(sign, scope, name):
    data = sign(PICTURES[name], name)
    changed_data = with_other_pixels(data, name)

    image = delivered(changed_data, name, scope)

    assert (state_of(data, name), state_of(changed_data, name)) == ("Valid", "Invalid")
    assert image is not None
    assert image.credentials.status == "kept"
    assert b"".join(image.spool.chunks()) == changed_data != data


@pytest.mark.parametrize("name", ["png", "jpeg", "webp"])
@settings(max_examples=300)
@given(drawn=st.data())
def test_what_is_kept_is_the_file_that_came_and_as_whole(
    sign: Sign, scope: Spools, name: str, drawn: st.DataObject
) -> None:
    before = drawn.draw(changed(PICTURES[name], name, ["insert", "insert", "move"]))
    data = sign(before, name) or PICTURES[name]
    data = drawn.draw(st.just(data) | changed(data, name, ["insert", "move", "again", "leave out"]))
    came, image = state_of(data, name), delivered(data, name, scope)

    if image is not None:
        left, is_kept = b"".join(image.spool.chunks()), image.credentials.status == "kept"
        event(f"{came}: {image.credentials.status}")
        assert left == data or not is_kept
        assert state_of(left, name) == (came if is_kept else "no manifest")
