"""S3 with TLS of a private authority: every client of ours checks the certificate."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pictor.kit.bytes.spool import SpoolFile
from storage import backends, services
from storage.wire import StorageFailed
from tests.fakes.authorities import make_authority, make_certificate_by
from tests.fakes.s3_front import Front, Issued, s3_front
from tests.storage.conftest import ACCESS_KEY, SECRET_KEY, S3Server

KEY = "20261120/by-tls/1.png"
OURS = Issued(ACCESS_KEY, SECRET_KEY)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture
def front(s3: S3Server, authority: Path, configured: Callable[..., None]) -> Iterator[Front]:
    """S3 by https, with a certificate signed by the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate_by(authority, "localhost"))
    with s3_front(s3.url, OURS, known={ACCESS_KEY: OURS}.get, tls=context) as front:
        configured(endpoint_url=front.url, public_endpoint_url=front.url)
        yield front


def put_by_thread(spool: SpoolFile) -> None:
    services.upload(KEY, spool, content_type="image/png")


def put_by_loop(spool: SpoolFile) -> None:
    asyncio.run(services.upload_on_loop(KEY, spool, content_type="image/png"))


WAYS: dict[str, Callable[[SpoolFile], Any]] = {
    "put by a thread": put_by_thread,
    "put by a loop": put_by_loop,
    "get": lambda _: list(services.open_stream(KEY)),
    "head": lambda _: services.require([KEY]),
    "list": lambda _: list(backends.bucket.names_under("20261120/by-tls/", before="3")),
    "make the bucket": lambda _: backends.ensure_bucket(),
    "delete": lambda _: services.delete_objects([KEY]),
}
"""In an order in which each finds the objects that it needs."""


def test_every_way_to_s3_trusts_the_authority_of_the_bundle(front, authority, configured, spooled):
    configured(ca_bundle=str(authority))

    did = {way: go(spooled(b"a picture")) for way, go in WAYS.items()}

    assert did["get"] == [b"a picture"]
    assert did["list"] == [[KEY]]
    assert front.codes == {"passed": 7}


@pytest.fixture(params=["none", "another"])
def wrong(request: pytest.FixtureRequest, tmp_path: Path, configured: Callable[..., None]) -> None:
    """No bundle, or one without the authority."""
    if request.param == "another":
        configured(ca_bundle=str(make_authority(tmp_path)))


@pytest.mark.usefixtures("wrong")
@pytest.mark.parametrize("way", WAYS)
def test_no_way_to_s3_trusts_any_other(front, spooled, way):
    with pytest.raises(StorageFailed, match="CERTIFICATE_VERIFY_FAILED"):
        WAYS[way](spooled(b"a picture"))

    assert front.codes == {}


def test_a_url_that_is_signed_names_the_front(front, authority, configured):
    configured(ca_bundle=str(authority))

    url = services.signed_url(KEY, content_type="image/png")

    assert url.startswith(f"{front.url}/images/{KEY}?")
