"""Vertex AI over real HTTP, and Google's tokens for it."""

import asyncio
import base64
import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from generation.channels import account_tokens
from generation.channels.account_tokens import HeldToken
from generation.channels.base import Job, UpstreamRequest
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.registry import open_adapter
from generation.channels.vertex.wire import VertexWire
from pictor.kit.running import retries
from tests.fakes.raw_server import hangs, running, says, sends
from tests.generation.channels.conftest import PIXEL, config_for
from tests.generation.channels.printing import Vendor, tells

pytestmark = pytest.mark.anyio

PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PICTURE = base64.b64encode(PIXEL).decode()
DONE = tells({"candidates": [{"content": {"parts": [{"inlineData": {"data": PICTURE}}]}}]})
TOKEN = tells({"access_token": "ya29.one", "expires_in": 3599, "token_type": "Bearer"})
MODEL = (
    "/v1/projects/acme-1/locations/global/publishers/google/models"
    "/gemini-3-pro-image:generateContent"
)
ORDER = f"POST {MODEL}"
PLACE = {"project": "acme-1", "location": "global"}
FOX = UpstreamRequest(model="gemini-3-pro-image", prompt="a fox", size="1024x1024")


def pem(key: Any) -> str:
    form = serialization.PrivateFormat.PKCS8
    kind = serialization.NoEncryption()
    text: bytes = key.private_bytes(serialization.Encoding.PEM, form, kind)
    return text.decode()


def account(**changes: str) -> str:
    known = {
        "client_email": "fox@acme-1.iam.example",
        "private_key": pem(PRIVATE),
        "private_key_id": "k1",
        "token_uri": "https://elsewhere.example/token",
    }
    return json.dumps({**known, **changes})


@pytest.fixture(autouse=True)
def google(upstream, monkeypatch):
    """Google's address for tokens is that of the server."""
    monkeypatch.setattr(VertexWire, "grant_address", f"{upstream.url}/token")
    monkeypatch.setattr(account_tokens, "_again", retries.calls(tries=3, pause_seconds=0.01))


@pytest.fixture
def vertex(upstream, pool, spools):
    def opened(credential: str = "") -> Any:
        config = config_for(
            upstream.url,
            kind="vertex",
            settings=PLACE,
            key=credential or account(),
        )
        return open_adapter(config, pool, spools)

    return opened


async def failure_of(adapter: Any) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await adapter.generate(FOX)
    error: UpstreamError = raised.value
    return error


def decoded(part: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return document


async def test_a_picture_is_ordered_with_a_token(vertex, upstream):
    upstream.script = Vendor({"POST /token": [TOKEN], ORDER: [DONE]})

    answer = await vertex().generate(FOX)

    order = upstream.received[1]
    assert b"".join(answer.images[0].spool.chunks()) == PIXEL
    assert (order.target, order.headers["authorization"]) == (MODEL, "Bearer ya29.one")
    assert json.loads(order.body)["generationConfig"]["imageConfig"] == {
        "aspectRatio": "1:1",
        "imageSize": "1K",
    }


async def test_a_token_is_asked_for_by_a_signed_assertion(vertex, upstream):
    upstream.script = Vendor({"POST /token": [TOKEN], ORDER: [DONE]})

    await vertex().generate(FOX)

    form = parse_qs(upstream.received[0].body.decode())
    signed, _, signature = form["assertion"][0].rpartition(".")
    head, claims = (decoded(part) for part in signed.split("."))
    # Raises unless the signature is right.
    PRIVATE.public_key().verify(
        base64.urlsafe_b64decode(signature + "=="),
        signed.encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert head == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert (claims["iss"], claims["scope"], claims["aud"]) == (
        "fox@acme-1.iam.example",
        "https://www.googleapis.com/auth/cloud-platform",
        f"{upstream.url}/token",
    )
    assert claims["exp"] - claims["iat"] == 3600


async def test_a_jpeg_is_ordered_as_one(vertex, upstream):
    upstream.script = Vendor({"POST /token": [TOKEN], ORDER: [DONE]})
    request = UpstreamRequest(
        "gemini-3-pro-image", "a fox", output_format="jpeg", output_compression=80
    )

    await vertex().generate(request)

    sent = json.loads(upstream.received[1].body)["generationConfig"]["imageConfig"]
    assert sent == {"imageOutputOptions": {"mimeType": "image/jpeg", "compressionQuality": 80}}


async def test_many_calls_at_once_ask_for_one_token(vertex, upstream):
    upstream.script = shop = Vendor({"POST /token": [TOKEN], ORDER: [DONE]})
    adapters = [vertex() for _ in range(10)]

    await asyncio.gather(*(adapter.generate(FOX) for adapter in adapters))

    assert (shop.seen.count("POST /token"), shop.seen.count(ORDER)) == (1, 10)


async def test_each_account_has_a_token_of_its_own(vertex, upstream):
    other = tells({"access_token": "ya29.two", "expires_in": 3599})
    upstream.script = Vendor({"POST /token": [TOKEN, other], ORDER: [DONE]})

    for credential in (account(), account(private_key_id="k2"), account()):
        await vertex(credential).generate(FOX)

    orders = [each for each in upstream.received if each.target == MODEL]
    assert [order.headers["authorization"] for order in orders] == [
        "Bearer ya29.one",
        "Bearer ya29.two",
        "Bearer ya29.one",
    ]


async def test_a_token_is_renewed_at_two_thirds_of_its_life(upstream, pool):
    first = tells({"access_token": "one", "expires_in": 90})
    upstream.script = Vendor({"POST /token": [first, tells({"access_token": "two"})]})
    held, wire = HeldToken(), VertexWire(config_for(upstream.url, settings=PLACE, key=account()))

    tokens = [await held.token(wire, pool, now=now) for now in (5.0, 64.9, 65.0, 66.0)]

    assert tokens == ["one", "one", "two", "two"]


@pytest.mark.parametrize(
    ("script", "expected", "tries"),
    [
        (tells({"error": "invalid_grant"}, status=400), AttemptClass.REFUSED, 1),
        (tells({"access_token": "a\nb"}), AttemptClass.REFUSED, 1),
        (tells({"access_token": 5}), AttemptClass.REFUSED, 1),
        (sends(b"", then_reset=True), AttemptClass.NOT_REACHED, 3),
        (says(b"<html>", status=502), AttemptClass.NOT_REACHED, 3),
    ],
)
async def test_without_a_token_nothing_is_ordered(vertex, upstream, script, expected, tries):
    upstream.script = shop = Vendor({"POST /token": [script]})

    error = await failure_of(vertex())

    assert (error.attempt_class, error.may_have_billed) == (expected, False)
    assert shop.seen == ["POST /token"] * tries


async def test_who_waits_for_a_token_waits_no_longer_than_who_asks(vertex, upstream, monkeypatch):
    monkeypatch.setattr(account_tokens, "SECONDS", 0.2)
    upstream.script = Vendor({"POST /token": [hangs]})
    began = asyncio.get_running_loop().time()

    errors = await asyncio.gather(*(failure_of(vertex()) for _ in range(20)))

    assert {error.attempt_class for error in errors} == {AttemptClass.NOT_REACHED}
    assert asyncio.get_running_loop().time() - began < 2


@pytest.mark.parametrize(
    "credential",
    [
        "{",
        "[]",
        "{}",
        account(private_key="x"),
        account(private_key=pem(ec.generate_private_key(ec.SECP256R1()))),
    ],
)
async def test_a_key_that_cannot_be_read_asks_nobody(vertex, upstream, credential):
    error = await failure_of(vertex(credential))

    assert (error.attempt_class, error.detail) == (
        AttemptClass.REFUSED,
        "the service account's key cannot be read",
    )
    assert upstream.received == []


async def test_no_other_address_gets_the_accounts_assertion(vertex, upstream, pool):
    upstream.script = Vendor({"POST /token": [TOKEN], ORDER: [DONE]})
    async with running(TOKEN) as elsewhere:
        await vertex(account(token_uri=f"{elsewhere.url}/token")).generate(FOX)

        assert elsewhere.received == []


async def test_none_of_its_orders_is_followed(vertex):
    with pytest.raises(UpstreamError) as raised:
        await vertex().resume([Job("1", "/look")], FOX, timeout_seconds=1)

    assert raised.value.attempt_class == AttemptClass.UNKNOWN
