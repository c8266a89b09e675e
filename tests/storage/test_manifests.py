"""Signed images: whole by the library itself, by our certificate, and without a call to anybody."""

import io
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import c2pa
import pytest
from PIL import Image
from typing_extensions import override

import sandbox
from pictor import __version__
from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.bytes.spools import process_spools
from storage import manifests
from storage.content_credentials import NONE, Credentials
from tests.making.certificates import SigningFiles, signing_files
from tests.making.verified import verified
from tests.storage.containers import picture

FORMATS = ("png", "jpeg", "webp")
VENDORS = {
    name: Path(sandbox.__file__).with_name(f"signed.{name}").read_bytes() for name in FORMATS
}
MADE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@pytest.fixture
def files(settings: Any, tmp_path: Path) -> SigningFiles:
    return certified(settings, tmp_path)


def certified(settings: Any, folder: Path, **options: Any) -> SigningFiles:
    files = signing_files(folder, **options)
    settings.C2PA_CERTIFICATE, settings.C2PA_KEY = str(files.certificate), str(files.key)
    return files


def attempt(spool: SpoolFile, name: str, **changes: Any) -> tuple[SpoolFile, Credentials]:
    made = {"steps": ["c2pa.created"], "source": MADE, "parent": None, **changes}
    return manifests.sign(spool, name, NONE, **made)


def sign(spool: SpoolFile, name: str = "png", **changes: Any) -> tuple[bytes, str]:
    signed, credentials = attempt(spool, name, **changes)
    assert credentials.status == "signed"
    return signed.read_at(0, signed.size), credentials.label


def pixels(data: bytes) -> tuple[str, tuple[int, int], bytes]:
    with Image.open(io.BytesIO(data)) as image:
        return image.mode, image.size, image.tobytes()


def actions_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    (actions,) = [one["data"]["actions"] for one in manifest["assertions"]]
    found: list[dict[str, Any]] = actions
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_a_signed_image_is_whole_and_has_the_same_pixels(name, spooled, files):
    data = picture(name.upper())

    signed, label = sign(spooled(data), name)

    manifest = verified(signed, name, root=files.root)
    assert (manifest["state"], manifest["label"]) == ("Trusted", label)
    assert manifest["signature_info"]["issuer"] == "Pictor Sandbox"
    assert "time" not in manifest["signature_info"]
    (generator,) = manifest["claim_generator_info"]
    assert (generator["name"], generator["version"]) == ("Pictor", __version__)
    assert actions_of(manifest) == [{"action": "c2pa.created", "digitalSourceType": MADE}]
    assert "title" not in manifest
    assert pixels(signed) == pixels(data)
    assert len(signed) - len(data) < 8_000


@pytest.mark.parametrize("name", FORMATS)
def test_the_vendors_image_is_an_ingredient_with_its_credentials(name, spooled, files):
    parent = (spooled(VENDORS[name]), name)

    signed, label = sign(
        spooled(picture("PNG")), parent=parent,
        steps=["c2pa.opened", "c2pa.resized", "c2pa.transcoded"],
    )  # fmt: skip

    manifest = verified(signed, "png", root=files.root)
    (ingredient,) = manifest["ingredients"]
    assert (manifest["state"], manifest["label"]) == ("Trusted", label)
    assert (ingredient["relationship"], ingredient["format"]) == ("parentOf", f"image/{name}")
    assert ingredient["active_manifest"].encode() in VENDORS[name]
    assert not {"title", "thumbnail"} & ingredient.keys()
    opened, *rest = actions_of(manifest)
    assert (opened["action"], opened["digitalSourceType"]) == ("c2pa.opened", MADE)
    assert rest == [{"action": "c2pa.resized"}, {"action": "c2pa.transcoded"}]


@pytest.mark.parametrize("name", FORMATS)
def test_no_thumbnail_is_signed(name, spooled, files):
    signed, _ = sign(spooled(picture(name.upper())), name)

    assert b"c2pa.thumbnail" not in signed


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    """An address, and the paths that were fetched from it."""
    fetched: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fetched.append(self.path)
            self.send_error(404)

        @override
        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/manifest", fetched
        server.shutdown()
        thread.join()


def test_a_remote_manifest_is_never_fetched(canary, spooled, files):
    address, fetched = canary
    actions = [{"action": "c2pa.created", "digitalSourceType": MADE}]
    builder = c2pa.Builder(
        {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}]}
    )
    builder.set_remote_url(address)
    builder.set_no_embed()
    info = c2pa.C2paSignerInfo(
        "es256", files.certificate.read_bytes(), files.key.read_bytes(), None
    )
    remote = io.BytesIO()
    builder.sign(c2pa.Signer.from_info(info), "image/png", io.BytesIO(picture("PNG")), remote)

    parent = (spooled(remote.getvalue()), "png")
    sign(spooled(picture("PNG")), parent=parent, steps=["c2pa.opened"])

    assert fetched == []
    with pytest.raises(c2pa.C2paError):
        c2pa.Reader("image/png", remote)
    assert fetched == ["/manifest"]  # by its defaults the library does fetch


def test_the_librarys_context_has_our_limits(spooled, files, monkeypatch):
    given: list[object] = []
    from_dict = c2pa.Context.from_dict

    def watched(limits: object, **named: Any) -> Any:
        given.append(limits)
        return from_dict(limits, **named)

    monkeypatch.setattr(c2pa.Context, "from_dict", watched)

    sign(spooled(picture("PNG")))

    assert given == [
        {
            "builder": {"thumbnail": {"enabled": False}},
            "verify": {"remote_manifest_fetch": False},
            "core": {
                "allowed_network_hosts": [],
                "backing_store_memory_threshold_in_mb": 4,
                "max_decompressed_manifest_size_in_mb": 8,
            },
        }
    ]


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("builder", "thumbnail"),
        ("verify", "remote_manifest_fetch"),
        ("core", "allowed_network_hosts"),
        ("core", "backing_store_memory_threshold_in_mb"),
        ("core", "max_decompressed_manifest_size_in_mb"),
    ],
)
def test_the_library_knows_each_limit(section, name):
    """It ignores settings that it does not know, and refuses values that it does not expect."""
    with pytest.raises(c2pa.C2paError, match="invalid type"):
        c2pa.Context.from_dict({section: {name: "a fox"}})


@pytest.mark.parametrize(("name", "megabytes"), [("png", 32.1), ("jpeg", 10.7), ("webp", 10.7)])
@pytest.mark.usefixtures("files")
def test_what_would_take_more_than_32_mb_is_not_signed(name, megabytes, spooled, caplog):
    large = spooled(bytes(int(megabytes * 1024**2)))

    assert attempt(large, name) == (large, NONE)
    assert caplog.text == ""


@pytest.mark.parametrize("name", FORMATS)
def test_signing_takes_no_more_memory_than_a_png_of_its_limit(name, spooled, files):
    side = {"png": 2880, "jpeg": 1600, "webp": 1600}[name]
    file = io.BytesIO()
    noise = Image.frombytes("RGB", (side, side), os.urandom(side * side * 3))
    noise.save(file, name.upper(), compress_level=0, quality=100, method=0)
    spool, data = spooled(file.getvalue()), len(file.getvalue())
    sign(spooled(picture(name.upper())), name)
    del file, noise
    before = settled_bytes()

    _, credentials = attempt(spool, name)

    assert credentials.status == "signed"
    assert peak_bytes() - before < data * manifests.TIMES_HELD[name] + 8 * 1024**2


def settled_bytes() -> int:
    """The memory in use, from which a new peak is measured (Linux)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak_bytes()


def peak_bytes() -> int:
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in one]
    return int(line.split()[1]) * 1024


def test_a_failure_is_logged_without_the_key_and_leaves_the_image(spooled, files, caplog):
    spool = spooled(b"no picture")

    assert attempt(spool, "png") == (spool, NONE)

    assert "an image could not be signed, and is only marked" in caplog.text
    assert not any(line in caplog.text for line in files.key.read_text().splitlines())


def test_a_certificate_that_has_ended_signs_nothing(spooled, settings, tmp_path, caplog):
    certified(settings, tmp_path, lasts=timedelta(seconds=-1))
    spool = spooled(picture("PNG"))

    assert attempt(spool, "png") == (spool, NONE)
    assert caplog.text == ""


def noise_png() -> bytes:
    """More than the library keeps in memory."""
    file = io.BytesIO()
    Image.frombytes("RGB", (1300, 1300), os.urandom(1300 * 1300 * 3)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.usefixtures("files")
def test_what_the_library_writes_lies_beside_the_spools(spooled, monkeypatch):
    monkeypatch.setenv("TMPDIR", "/nowhere")

    assert attempt(spooled(noise_png()), "png")[1].status == "signed"


@pytest.mark.usefixtures("files")
def test_what_the_library_writes_counts_in_the_budget(spooled, monkeypatch, caplog):
    spool = spooled(noise_png())
    budget = process_spools().budget
    used, room = budget.used_bytes, spool.size * 2 + 12 * 1024**2

    monkeypatch.setattr(budget, "_max_bytes", used + spool.size * 2)
    refused = attempt(spool, "png")
    monkeypatch.setattr(budget, "_max_bytes", used + room)
    signed = attempt(spool, "png")

    assert (refused, signed[1].status) == ((spool, NONE), "signed")
    assert "the spool budget of" in caplog.text
    assert budget.used_bytes == used
