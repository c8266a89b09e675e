"""The body gate: key first, then the body, under caps and deadlines."""

import asyncio
import json

import pytest

from accounts.keys import mint
from pictor.kit.bytes.spools import process_spools
from pictor.web import body_reading
from tests.making.factories import PayingCustomer
from tests.web.conftest import body_of, call, make_exchange
from tests.web.gates import (
    CHUNKED,
    KILOBYTE,
    MEGABYTE,
    UNKNOWN,
    app,
    error_of,
    gate_of,
    inner,
    length,
    short_drain,
)

__all__ = ["app", "inner", "short_drain"]

pytestmark = pytest.mark.anyio

# --- the key first ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer sk-other-123"},
        {"Authorization": f"Bearer {mint()[:-1]}-"},
        {"Authorization": f"Basic {mint()}"},
        {"Authorization": f"Bearer {mint()} extra"},
        {"X-Api-Key": mint()},
    ],
)
async def test_without_a_key_of_our_form_nothing_is_read_before_the_answer(
    app, inner, authorization
):
    exchange = await call(app, headers={**authorization, **CHUNKED}, messages=body_of(b"{}" * 1000))

    assert error_of(exchange) == (401, "invalid_api_key")
    assert exchange.events[:2] == ["start", "body"]
    assert exchange.headers["connection"] == "close"
    assert inner.skeletons == []


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "other", [f"Bearer {mint()}", "Basic eDp5", ""], ids=["a key", "another scheme", "empty"]
)
async def test_a_key_beside_another_is_none(app, inner, method, other):
    exchange = make_exchange(method=method, headers=UNKNOWN, messages=body_of(b"{}"))
    exchange.scope["headers"].append((b"authorization", other.encode()))

    await app(exchange.scope, exchange.receive, exchange.send)

    assert error_of(exchange) == (401, "invalid_api_key")
    assert inner.skeletons == []


async def test_after_a_refusal_a_little_is_still_taken_in_so_that_the_answer_arrives(app):
    chunks = [b"x" * 400_000] * 10

    exchange = await call(app, headers=CHUNKED, messages=body_of(*chunks))

    assert exchange.events == ["start", "body", "receive", "receive", "receive", "body"]


async def test_after_a_refusal_a_silent_client_is_not_waited_for(app):
    exchange = await call(app, headers=CHUNKED, hangs=True)

    assert exchange.events == ["start", "body", "receive", "body"]


@pytest.mark.parametrize("announced", [length(64 * KILOBYTE + 1), CHUNKED, length(400 * MEGABYTE)])
async def test_before_a_large_body_is_read_the_key_is_looked_up(
    app, inner, pooled_connections, announced
):
    exchange = await call(
        app, headers={**UNKNOWN, **announced}, messages=body_of(b"{}", is_whole=False), hangs=True
    )

    assert error_of(exchange) == (401, "invalid_api_key")
    assert exchange.events[0] == "start"
    assert inner.skeletons == []


async def test_a_small_body_is_read_without_a_look_up(app, inner):
    headers = {**UNKNOWN, **length(64 * KILOBYTE)}

    exchange = await call(app, headers=headers, messages=body_of(b'{"a":', b"1}"))

    assert exchange.status == 200
    assert inner.skeletons == [b'{"a":1}']


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_method_without_a_body_has_none_read(app, inner, method):
    exchange = await call(app, method=method, headers=UNKNOWN, messages=body_of(b"{}"))

    assert (exchange.status, inner.skeletons) == (200, [b""])
    assert "receive" not in exchange.events


async def test_outside_the_api_the_gate_is_open():
    async def app(scope, receive, send):
        assert "pictor.body" not in scope
        await send({"type": "http.response.start", "status": 418, "headers": []})

    exchange = await call(gate_of(app), path="/accounts/login/")

    assert exchange.status == 418


async def test_a_client_that_leaves_in_the_middle_gets_no_answer(app, inner):
    exchange = await call(
        app, headers={**UNKNOWN, **length(100)}, messages=body_of(b"{", is_whole=False)
    )

    assert (exchange.sent, inner.skeletons) == ([], [])


# --- sizes ------------------------------------------------------------------------------------


async def test_a_body_announced_too_large_is_refused_unread(app, bearer, settings):
    settings.MAX_JSON_BYTES = 2 * MEGABYTE

    exchange = await call(
        app, headers={**bearer, **length(2 * MEGABYTE + 1)}, messages=body_of(b"{}")
    )

    assert error_of(exchange) == (413, "request_too_large")
    assert exchange.events[:2] == ["start", "body"]
    assert "2 MiB" in exchange.body.decode()


async def test_a_chunked_body_is_refused_where_it_becomes_too_large(app, inner, bearer, settings):
    settings.MAX_JSON_BYTES = 2 * MEGABYTE
    chunks = [b" " * MEGABYTE] * 2 + [b"{"] + [b" " * MEGABYTE] * 50

    exchange = await call(app, headers={**bearer, **CHUNKED}, messages=body_of(*chunks))

    assert error_of(exchange) == (413, "request_too_large")
    assert exchange.events.index("start") == 3
    assert inner.skeletons == []


async def test_too_many_long_strings_are_refused_as_such(app, inner, bearer):
    text = b'"' + b"A" * 65 * KILOBYTE + b'"'
    body = b'{"image":[' + b",".join([text] * 65) + b"]}"

    exchange = await call(app, headers={**bearer, **CHUNKED}, messages=body_of(body))

    assert error_of(exchange) == (413, "request_too_large")
    assert "The body holds more than 64 strings of over 64 KiB." in exchange.body.decode()
    assert inner.skeletons == []


async def test_a_body_larger_than_announced_is_still_capped(app, settings):
    settings.MAX_JSON_BYTES = 1000

    exchange = await call(
        app, headers={**UNKNOWN, **length(10)}, messages=body_of(b"x" * 600, b"x" * 600)
    )

    assert error_of(exchange) == (413, "request_too_large")


async def test_a_slow_body_is_cut_off_at_its_deadline(app, inner, monkeypatch):
    monkeypatch.setattr(body_reading, "FIRST_SECONDS", 0.05)

    exchange = await call(
        app,
        headers={**UNKNOWN, **length(10)},
        messages=body_of(b"{", is_whole=False),
        hangs=True,
    )

    assert error_of(exchange) == (408, "request_timeout")
    assert "too long to arrive" in exchange.body.decode()
    assert inner.skeletons == []


@pytest.mark.parametrize(("sent", "status"), [(10, 408), (50_000, 200)])
async def test_bytes_that_have_come_win_time_and_announced_ones_do_not(
    app, monkeypatch, sent, status
):
    monkeypatch.setattr(body_reading, "FIRST_SECONDS", 0.2)
    monkeypatch.setattr(body_reading, "MINIMUM_RATE", 1000)
    exchange = make_exchange(
        headers={**UNKNOWN, **length(60_000)}, messages=body_of(b" " * sent, b"{}")
    )

    async def receive_late():
        await asyncio.sleep(0.5 if exchange.events == ["receive"] else 0)
        return await exchange.receive()

    await app(exchange.scope, receive_late, exchange.send)

    assert exchange.status == status


# --- long strings -----------------------------------------------------------------------------


@pytest.mark.parametrize("announced", [True, False])
async def test_a_long_string_goes_to_a_spool_and_the_spool_goes_with_the_request(
    app, inner, bearer, announced
):
    text = b"A" * (700 * KILOBYTE)
    body = b'{"prompt":"a fox","image":"' + text + b'"}'
    headers = length(len(body)) if announced else CHUNKED

    exchange = await call(
        app, headers={**bearer, **headers}, messages=body_of(body[:100], body[100:])
    )

    assert exchange.status == 200
    assert inner.long_strings == [text]
    assert len(inner.skeletons[0]) < 200
    assert json.loads(inner.skeletons[0])["prompt"] == "a fox"
    assert inner.spooled_bytes == 700 * KILOBYTE
    assert process_spools().budget.used_bytes == 0


@pytest.mark.parametrize("name", ["prompt", "style", "background"])
async def test_short_strings_and_long_texts_stay_in_the_json(app, inner, bearer, name):
    text, image = b"A" * 500 * KILOBYTE, b"A" * 60 * KILOBYTE
    body = b'{"' + name.encode() + b'":"' + text + b'","image":"' + image + b'"}'

    await call(app, headers={**bearer, **CHUNKED}, messages=body_of(body))

    assert (inner.skeletons, inner.long_strings) == ([body], [])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"[" * 100, 400, "invalid_json"),
        (b'{"a":"', 400, "invalid_json"),
        (b"}", 400, "invalid_json"),
        (b'{"a":[' + b"1," * MEGABYTE + b"1]}", 400, "invalid_json"),
    ],
    ids=["deep", "cut short", "closes nothing", "values without end"],
)
async def test_a_scanned_body_that_is_not_read_further_is_refused(app, bearer, body, status, code):
    exchange = await call(app, headers={**bearer, **CHUNKED}, messages=body_of(body))

    assert error_of(exchange) == (status, code)


async def test_no_room_for_spools_is_our_trouble_and_not_the_callers(app, bearer, settings):
    budget = process_spools().budget
    budget.take(settings.SPOOL_BUDGET_BYTES)
    body = b'{"image":"' + b"A" * MEGABYTE + b'"}'

    exchange = await call(app, headers={**bearer, **CHUNKED}, messages=body_of(body))

    budget.give_back(settings.SPOOL_BUDGET_BYTES)
    assert error_of(exchange) == (503, "service_unavailable")


@pytest.fixture
def others(pooled_connections: None) -> PayingCustomer:
    return PayingCustomer("others")


async def test_a_tenants_large_bodies_leave_room_for_others(app, acme, others, bearer, settings):
    budget = process_spools().budget
    half = settings.SPOOL_BUDGET_BYTES // 2
    body = b'{"image":"' + b"A" * MEGABYTE + b'"}'

    budget.take(half, str(acme.tenant.id))
    theirs = {"Authorization": f"Bearer {others.plaintext}"}
    refused = await call(app, headers={**bearer, **CHUNKED}, messages=body_of(body))
    accepted = await call(app, headers={**theirs, **CHUNKED}, messages=body_of(body))
    budget.give_back(half, str(acme.tenant.id))

    assert error_of(refused) == (503, "service_unavailable")
    assert accepted.status == 200
