"""Who signed a stored picture, read by a child process when a page asks."""

import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import c2pa
import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import sandbox
from pictor.kit.words.ids import new_uuid
from storage import manifest_checks
from storage.manifest_checks import FAILED, UNDER_WAY, signers_of
from storage.manifest_reader import LIMITS
from storage.models import StoredImage
from storage.services import delete_objects, upload
from tests.fakes.serving import serving
from tests.storage.containers import picture, png_chunk, png_with

pytestmark = pytest.mark.usefixtures("s3")

FORMATS = ("png", "jpeg", "webp")
SIGNED = {name: Path(sandbox.__file__).with_name(f"signed.{name}").read_bytes() for name in FORMATS}
ROOT = Path(__file__).with_name("sandbox_root.pem")
BY = "Signed by Pictor Sandbox with Pictor sandbox 1. "
HANGS = """
import os, pathlib, signal
pathlib.Path("{file}").write_text(str(os.getpid()))
signal.pause()
"""

Stored = Callable[..., StoredImage]


@pytest.fixture
def stored(spooled: Any) -> Stored:
    """Put bytes on storage; nothing is known of their digest yet."""

    def store(data: bytes, form: str = "png", status: str = "kept") -> StoredImage:
        image = StoredImage(
            tenant_id=new_uuid(),
            object_key=f"20261120/{new_uuid().hex}/1-0.{form}",
            content_type=f"image/{form}",
            size_bytes=len(data),
            sha256=new_uuid().hex,
            credentials=status,
        )
        upload(image.object_key, spooled(data), content_type=image.content_type)
        return image

    return store


def said_of(image: StoredImage) -> str:
    """What is said once it is checked, as a slow machine may need longer than a page waits."""
    signers_of([image])
    checking_ends()
    return signers_of([image])[image.sha256]


def checking_ends() -> None:
    with manifest_checks._turn:  # noqa: SLF001 - nothing else knows
        pass


@pytest.mark.parametrize("form", FORMATS)
def test_a_whole_picture_says_by_whom_and_with_what_it_was_signed(stored, form):
    assert said_of(stored(SIGNED[form], form)) == BY + "Whole; signer not checked."


@pytest.mark.parametrize("form", FORMATS)
def test_one_byte_changed_is_said(stored, form):
    data = bytearray(SIGNED[form])
    data[-40] ^= 1

    assert said_of(stored(bytes(data), form, "signed")) == BY + "Changed after signing."


def test_what_is_no_picture_could_not_be_checked(stored):
    assert said_of(stored(b"no picture")) == FAILED


def test_a_picture_whose_object_is_gone_could_not_be_checked(stored):
    image = stored(SIGNED["png"])
    delete_objects([image.object_key])

    assert said_of(image) == FAILED


def test_a_picture_that_is_too_large_is_not_fetched(stored, monkeypatch):
    monkeypatch.setattr(manifest_checks, "MAX_BYTES", len(SIGNED["png"]) - 1)

    assert said_of(stored(SIGNED["png"])) == FAILED


def test_what_has_no_credentials_is_not_checked(stored):
    assert signers_of([stored(SIGNED["png"], status="removed")]) == {}


def test_a_digest_is_checked_once(stored, monkeypatch):
    image = stored(SIGNED["png"])
    said_of(image)
    monkeypatch.setattr(manifest_checks, "READER", Path("/none"))

    assert signers_of([image]) == {image.sha256: BY + "Whole; signer not checked."}


@pytest.mark.parametrize(
    ("authorities", "state"),
    [
        (str(ROOT), "Whole; signer trusted."),
        (certifi.where(), "Whole; signer not on the trust list."),
    ],
)
def test_a_trust_list_says_whom_to_trust(stored, settings, authorities, state):
    image = stored(SIGNED["png"])
    said_of(image)

    settings.C2PA_TRUST_LIST = authorities

    assert said_of(image) == BY + state


def test_without_the_library_nothing_is_said(stored, monkeypatch):
    monkeypatch.setitem(sys.modules, "c2pa", None)

    assert signers_of([stored(SIGNED["png"])]) == {}


def test_a_child_that_hangs_is_ended_after_2_seconds(stored, monkeypatch, tmp_path):
    image, file, script = stored(SIGNED["png"]), tmp_path / "pid", tmp_path / "hangs.py"
    script.write_text(HANGS.format(file=file))
    monkeypatch.setattr(manifest_checks, "READER", script)
    began = time.monotonic()

    first = signers_of([image])
    held = time.monotonic() - began
    checking_ends()
    took = time.monotonic() - began

    assert 2 <= held < 4
    assert took < 10
    assert first[image.sha256] in {UNDER_WAY, FAILED}
    with pytest.raises(ProcessLookupError):
        os.kill(int(file.read_text()), 0)
    assert signers_of([image]) == {image.sha256: FAILED}


def test_while_one_is_checked_no_other_is(stored, monkeypatch, tmp_path):
    one, other = stored(SIGNED["png"]), stored(SIGNED["jpeg"], "jpeg")
    pipe, script = tmp_path / "pipe", tmp_path / "hangs.py"
    os.mkfifo(pipe)
    script.write_text(HANGS.format(file=pipe))
    with monkeypatch.context() as changed:
        changed.setattr(manifest_checks, "READER", script)
        changed.setattr(manifest_checks, "PAGE_SECONDS", 0)
        signers_of([one])
        child = int(pipe.read_text())  # it runs now
    began = time.monotonic()

    said = signers_of([other])

    assert said == {other.sha256: UNDER_WAY}
    assert time.monotonic() - began < 1
    os.kill(child, signal.SIGKILL)
    checking_ends()
    assert said_of(other) == BY + "Whole; signer not checked."


def test_the_child_has_nothing_of_our_environment(stored, monkeypatch, tmp_path):
    script = tmp_path / "tells.py"
    script.write_text("import os; print(sorted(set(os.environ) - {'LC_CTYPE'}))")
    monkeypatch.setattr(manifest_checks, "READER", script)

    assert said_of(stored(SIGNED["png"])) == "[]\n"


def test_no_address_in_a_picture_is_asked(stored):
    asked: list[str] = []

    class Canary(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with serving(Canary) as port:
        xmp = (
            '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
            ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description'
            ' xmlns:dcterms="http://purl.org/dc/terms/"'
            f' dcterms:provenance="http://127.0.0.1:{port}/manifest.c2pa"/></rdf:RDF></x:xmpmeta>'
        )
        text = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp.encode())
        bare = said_of(stored(png_with(text)))
        named = said_of(stored(signed(remote_url=f"http://127.0.0.1:{port}/manifest.c2pa")))

    assert asked == []
    assert bare == FAILED
    assert named.endswith("Whole; signer not checked.")


def test_the_time_is_what_the_signer_says(stored):
    data = signed(when="2026-11-01T14:00:00+02:00")

    assert said_of(stored(data)) == (
        "Signed by Füchse on 1 Nov 2026, 12:00 UTC with Fox maker 2. Whole; signer not checked."
    )


def signed(*, remote_url: str = "", when: str = "") -> bytes:
    """A png signed just now, in the name of Füchse."""
    action = {
        "action": "c2pa.created",
        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
        **({"when": when} if when else {}),
    }
    manifest = {
        "claim_generator_info": [{"name": "Fox maker", "version": "2"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }
    result = io.BytesIO()
    with (
        c2pa.Context.from_dict(LIMITS) as context,
        c2pa.Signer.from_info(signer()) as by,
        c2pa.Builder(json.dumps(manifest), context=context) as builder,
    ):
        if remote_url:
            builder.set_remote_url(remote_url)
        builder.sign(by, "image/png", io.BytesIO(picture("PNG")), result)
    return result.getvalue()


def signer() -> Any:
    """A certificate by an authority of its own, and its key."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [
        x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Füchse"),
                x509.NameAttribute(NameOID.COMMON_NAME, common),
            ]
        )
        for common in ("Signer", "Authority")
    ]
    now = datetime.now(tz=UTC)
    certificates = [
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(names[1])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_authority,
                key_cert_sign=is_authority,
                crl_sign=is_authority,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[1].public_key()), critical=False
        )
        .sign(keys[1], hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        for name, key, is_authority in zip(names, keys, (False, True), strict=True)
    ]
    secret = keys[0].private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return c2pa.C2paSignerInfo(
        alg=b"es256", sign_cert=b"".join(certificates), private_key=secret, ta_url=None
    )
