"""The payment provider's bell: what rings, and what anybody else is answered."""

import asyncio
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from django.db import OperationalError

from billing.models import ProviderEvent
from pictor.application import build
from pictor.kit.database import pools
from pictor.web import payment_bell
from pictor.web.edge import App
from pictor.web.payment_bell import PaymentBell, Ring
from tests.fakes.card_provider import SECRET
from tests.fakes.stripe_calls import signed
from tests.web.conftest import Exchange, body_of, call, make_exchange

pytestmark = pytest.mark.anyio


async def site(scope, receive, send):
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture(autouse=True)
def secret(settings, pooled_connections):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_of_these_tests"]


class Kept:
    """What was rung, and how it goes wrong."""

    def __init__(self, error: Exception | None = None) -> None:
        self.events: list[tuple[bytes, str]] = []
        self.threads: list[str] = []
        self._error = error

    def __call__(self, body: bytes, headers: Mapping[str, str]) -> None:
        self.threads.append(threading.current_thread().name)
        if self._error:
            raise self._error
        self.events.append((body, headers.get("stripe-signature", "")))


async def ring(
    kept: Ring, *chunks: bytes, method: str = "POST", path: str = "/payments/stripe", size: str = ""
) -> Exchange:
    headers = {"Stripe-Signature": "t=1,v1=2"} | ({"Content-Length": size} if size else {})
    return await call(
        PaymentBell(site, ring=kept),
        method=method,
        path=path,
        headers=headers,
        messages=body_of(*chunks),
    )


@pytest.mark.parametrize("path", ["/payments/stripe", "/payments/stripe/"])
async def test_an_event_is_kept_off_the_loop(path):
    kept = Kept()

    answer = await ring(kept, b'{"id": ', b'"evt_1"}', path=path)

    assert (answer.status, answer.body) == (200, b"")
    assert kept.events == [(b'{"id": "evt_1"}', "t=1,v1=2")]
    assert kept.threads[0].startswith("bell")


@pytest.mark.parametrize("path", ["/payments", "/payments/stripe/more", "/", "/payments/stripe//"])
async def test_other_addresses_are_the_sites(path):
    assert (await ring(Kept(), b"{}", path=path)).status == 418


async def test_without_a_secret_nothing_is_there(settings):
    settings.STRIPE_WEBHOOK_SECRETS = []
    kept = Kept()

    answer = await ring(kept, b"{}")

    assert (answer.status, kept.events) == (404, [])


async def test_it_takes_post_alone():
    answer = await ring(Kept(), method="GET")

    assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError("a bad signature"), 400), (OperationalError("the server is away"), 503)],
)
async def test_what_cannot_be_kept_is_refused(error, status):
    answer = await ring(Kept(error), b"{}")

    assert answer.status == status
    assert str(error).encode() not in answer.body


async def test_a_body_of_256_kib_is_taken():
    assert (await ring(Kept(), b"a" * 262_144)).status == 200


@pytest.mark.parametrize("size", ["262145", ""])
async def test_a_larger_body_is_refused(size):
    kept = Kept()

    answer = await ring(kept, b"a" * 262_144, b"b", size=size)

    assert (answer.status, kept.threads) == (413, [])


async def test_so_many_ring_at_once_and_the_next_is_told_to_wait(monkeypatch):
    monkeypatch.setattr(payment_bell, "MOST_AT_ONCE", 2)
    app = PaymentBell(site, ring=Kept())
    slow = [make_exchange(path="/payments/stripe", hangs=True) for _ in range(2)]
    tasks = [asyncio.create_task(app(one.scope, one.receive, one.send)) for one in slow]
    while not all(one.events for one in slow):
        await asyncio.sleep(0)

    refused = await call(app, path="/payments/stripe", messages=body_of(b"{}"))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    answer = await call(app, path="/payments/stripe", messages=body_of(b"{}"))

    assert (refused.status, answer.status) == (503, 200)


async def test_a_client_that_leaves_is_not_answered():
    answer = await call(PaymentBell(site, ring=Kept()), path="/payments/stripe")

    assert answer.sent == []


@pytest.fixture
def whole(cards, settings):
    """The application of the settings, where cards are on."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    return build()


async def post(app: App, body: str, *, at: int | None = None) -> int:
    headers = signed(body, secret=SECRET, at=at)
    answer = await call(
        app, path="/payments/stripe", headers=headers, messages=body_of(body.encode())
    )
    return answer.status


async def kept() -> list[tuple[str, str, bool]]:
    rows = ProviderEvent.objects.values_list("id", "payment_intent_id", "rang")
    return await pools.database(lambda: list(rows))


EVENT = (
    '{"id": "evt_1", "object": "event", "type": "refund.updated", "created": 1790000000,'
    ' "livemode": false, "data": {"object":'
    ' {"object": "refund", "id": "re_1", "payment_intent": "pi_1", "charge": "ch_1"}}}'
)


async def test_an_event_that_the_provider_signed_is_one_row(whole):
    statuses = [await post(whole, EVENT) for _ in range(2)]

    assert statuses == [200, 200]
    assert await kept() == [("evt_1", "pi_1", True)]


async def test_what_the_provider_did_not_sign_lately_writes_nothing(whole):
    statuses = [
        await post(whole, EVENT, at=int(time.time()) - 301),
        (await call(whole, path="/payments/stripe", messages=body_of(EVENT.encode()))).status,
    ]

    assert statuses == [400, 400]
    assert await kept() == []


async def test_it_is_not_redirected_to_https(whole, settings):
    """recoupable/app #1858: the webhook lived at an old host, and was answered by a redirect."""
    settings.SECURE_SSL_REDIRECT = True

    assert await post(whole, EVENT) == 200
