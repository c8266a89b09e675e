"""Every refusal under /v1 is written down, with facts for operators and no caller's words."""

import asyncio
import json
from typing import Any

import pytest
from django.core.serializers.json import DjangoJSONEncoder

from accounts.keys import mint
from accounts.models import Tenant
from accounts.services.office.suspending import suspend
from accounts.services.office.tenants import set_tenant_status
from billing.services.office.accounts import adjust
from generation.admission.fields import EDIT, EDIT_FORM, GENERATION
from generation.background import refusals
from generation.background.refusals import Recorder
from generation.models import Contract, RefusedRequest
from generation.selectors import refused_for_want_of_a_price
from pictor.kit.database import pools
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros
from pictor.web.edge import App
from tests.making.factories import PayingCustomer, make_channel
from tests.making.seeds import sow
from tests.web.conftest import Exchange, body_of, call

pytestmark = pytest.mark.anyio

CANARY = "kanarienvogel"
JSON = {"Content-Type": "application/json"}
GOOD = {"model": "gpt-image-2", "prompt": "a fox", "size": "1024x1024", "quality": "low"}


@pytest.fixture(autouse=True)
def own_recorder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorder without refusals of other tests."""
    monkeypatch.setattr(refusals, "recorder", Recorder())


async def ask(app: App, fields: Any, headers: dict[str, str], **options: Any) -> Exchange:
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    given = {**JSON, "Content-Length": str(len(body)), **headers}
    return await call(app, headers=given, messages=body_of(body), hangs=True, **options)


def _rows() -> list[dict[str, Any]]:
    return [dict(row) for row in RefusedRequest.objects.order_by("id").values()]


async def written() -> list[dict[str, Any]]:
    await refusals.recorder.write()
    return await pools.views(_rows)


async def row_of(exchange: Exchange) -> dict[str, Any]:
    """The row written about a request."""
    request_id = ids.parse(ids.REQUEST, exchange.headers["x-request-id"])
    (row,) = [row for row in await written() if row["id"] == request_id]
    return row


async def test_an_unknown_key_is_recorded_only_by_its_address(whole, acme):
    exchange = await ask(whole, GOOD, {"Authorization": f"Bearer {mint()}"})

    row = await row_of(exchange)
    assert (exchange.status, row["status"], row["code"]) == (401, 401, "invalid_api_key")
    assert (row["tenant_id"], row["key_id"]) == (None, None)
    assert row["message"].startswith("Incorrect API key provided. Check that it is complete")
    assert "203.0.113.9" not in json.dumps(row, cls=DjangoJSONEncoder)


async def test_without_a_key_the_gate_refuses_and_it_is_written_down(whole, acme):
    assert (await row_of(await ask(whole, GOOD, {})))["code"] == "invalid_api_key"


async def test_a_refusal_by_balance_says_which_limit_stopped_it(whole, acme, bearer):
    await pools.views(_make_poor, acme)

    exchange = await ask(whole, GOOD, bearer)

    row = await row_of(exchange)
    assert (row["status"], row["code"], row["stopped_by"]) == (429, "insufficient_quota", "balance")
    assert (row["tenant_id"], row["key_id"]) == (acme.id, acme.key.id)
    assert row["model"] == "gpt-image-2"


def _make_poor(acme: PayingCustomer) -> None:
    offer()
    adjust(tenant_id=acme.id, amount=Micros(-10_000_000), reason="test", actor="test")


async def test_a_refusal_by_rate_says_whose_and_of_which_model(whole, acme, bearer):
    await pools.views(offer)
    await pools.views(Tenant.objects.filter(id=acme.id).update, requests_per_minute=1)
    later = {**bearer, "Prefer": "respond-async"}
    assert (await ask(whole, GOOD, later)).status == 202

    row = await row_of(await ask(whole, GOOD, later))

    assert (row["code"], row["stopped_by"]) == ("rate_limit_exceeded", "requests of this workspace")
    assert row["model"] == "gpt-image-2"


async def test_a_suspended_tenants_customer_reads_why(whole, acme, bearer):
    await pools.views(suspend, tenant=acme.tenant, words="Invoice 7 is unpaid.", actor="test")

    exchange = await ask(whole, GOOD, bearer)

    said = "This workspace is suspended. The reason: Invoice 7 is unpaid."
    assert (exchange.status, json.loads(exchange.body)["error"]["message"]) == (403, said)
    row = await row_of(exchange)
    assert (row["message"], row["tenant_id"]) == (said, acme.id)


async def test_a_suspension_without_a_reason_says_no_more(whole, acme, bearer):
    status = Tenant.Status.SUSPENDED
    await pools.views(set_tenant_status, tenant=acme.tenant, status=status, actor="test")

    exchange = await ask(whole, GOOD, bearer)

    assert json.loads(exchange.body)["error"]["message"] == "This workspace is suspended."


async def test_a_request_without_a_price_is_recorded_with_that_reason(whole, acme, bearer):
    await pools.views(offer_without_a_price)
    since = clock.now()

    row = await row_of(await ask(whole, {**GOOD, "size": "640x640"}, bearer))

    assert (row["status"], row["stopped_by"], row["model"]) == (503, "price", "gpt-image-2")
    assert await pools.views(refused_for_want_of_a_price, since) == {"gpt-image-2": 1}


async def test_a_replay_is_written_down_with_its_generation_and_the_first_is_not(
    whole, acme, bearer
):
    await pools.views(offer)
    once = {**bearer, "Idempotency-Key": "once", "Prefer": "respond-async"}
    first = await ask(whole, GOOD, once)

    again = await ask(whole, GOOD, once)

    row = await row_of(again)
    assert (first.status, row["status"], row["message"]) == (202, 202, "")
    made = first.headers["x-pictor-generation-id"]
    assert ids.public(ids.GENERATION, row["generation_id"]) == made
    assert len(await written()) == 1


def offer() -> None:
    sow()
    make_channel("one", "gpt-image-2")


def offer_without_a_price() -> None:
    offer()
    contract = Contract.objects.get(model="gpt-image-2")
    contract.sizes.append({"size": "640x640", "tier": "1K"})
    contract.save()


def spoiled() -> list[Any]:
    """Bodies that are refused with the canary in each field, and as a field."""
    one_by_one = [{**GOOD, field.name: CANARY} for field in GENERATION if field.name != "prompt"]
    return [
        *one_by_one,
        *({**GOOD, field.name: {CANARY: CANARY}} for field in GENERATION),
        *({**GOOD, field.name: [CANARY]} for field in GENERATION),
        *(
            {**GOOD, field.name: value}
            for field in GENERATION
            for value in (10**30, f'{CANARY}\'s "x"')
        ),
        {**GOOD, CANARY: 1},
        {**GOOD, f"it's {CANARY}": 1},
        {**GOOD, f'"{CANARY}"': f"'{CANARY}'"},
        {**GOOD, f"prompt {CANARY}\x00\ud800": CANARY},
        {**GOOD, "prompt": CANARY * 10_000},
        {**GOOD, "image": {"image_url": {CANARY: 1}}},
        {**GOOD, "image": f"https://{CANARY}.example/a.png", "n": 99},
        {**GOOD, "image": [f"data:image/{CANARY};base64,{CANARY}"]},
        {"prompt": CANARY},
        [CANARY],
        CANARY,
        CANARY.encode(),
        b'{"prompt": "' + CANARY.encode(),
    ]


HEADERS = [
    {"Idempotency-Key": f"a key with {CANARY}"},
    {"Content-Type": f"application/{CANARY}"},
    {"Content-Type": f"application/json; charset={CANARY}"},
    {"Content-Type": f"multipart/form-data; boundary={CANARY}"},
    {"Content-Encoding": CANARY},
    {"Authorization": f"Bearer {CANARY}"},
    {"Authorization": CANARY},
]
PATHS = [
    f"/v1/{CANARY}",
    f"/v1/models/{CANARY}",
    f"/v1/v1/models/{CANARY}",
    f"/v1/image/generations/{CANARY}",
    f"/v1/images/generations/{CANARY}",
    f"/v1/images/generations?{CANARY}=1",
    f"/v1/images/generations?limit={CANARY}",
    f"/v1/images/generations?after={CANARY}",
    f"/v1/usage?group_by={CANARY}",
    f"/v1/usage?bucket={CANARY}",
    f"/v1/usage?start={CANARY}",
    f"/v1/prices?{CANARY}={CANARY}",
    f"/v1/api_keys/{CANARY}",
    f"/v1/webhook_endpoints/{CANARY}",
    f"/v1/webhook_endpoints/{CANARY}/deliveries/{CANARY}",
]
CHANGES = [
    ("/v1/api_keys", {"name": CANARY, "scopes": [CANARY]}),
    ("/v1/api_keys", {"name": CANARY, "models": [CANARY]}),
    ("/v1/api_keys", {"name": CANARY, "ip_ranges": [CANARY]}),
    ("/v1/api_keys", {"name": CANARY * 100}),
    ("/v1/api_keys", {"name": CANARY, "budget_day": CANARY}),
    ("/v1/api_keys", {"name": CANARY, "expires_at": CANARY}),
    ("/v1/webhook_endpoints", {"url": f"https://{CANARY}.invalid/{CANARY}"}),
    ("/v1/webhook_endpoints", {"url": CANARY}),
    ("/v1/webhook_endpoints", {"url": "https://example.com/", "events": [CANARY]}),
    ("/v1/webhook_endpoints", {"url": "https://example.com/", "description": CANARY * 100}),
]


def form_of(name: str, value: str, *, file: str = "", kind: str = "") -> bytes:
    filename = f'; filename="{file}"' if file else ""
    typed = f"Content-Type: {kind}\r\n" if kind else ""
    part = (
        f'--b\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n{typed}\r\n{value}\r\n'
    )
    return f"{part}{part}--b--\r\n".encode()


FORMS = [
    *(form_of(field.name, CANARY) for field in EDIT_FORM),
    *(form_of(field.name, CANARY, file=f"{CANARY}.png", kind="image/png") for field in EDIT_FORM),
    form_of(CANARY, CANARY),
    form_of(f"{CANARY}'s", CANARY, file=CANARY),
    form_of("image", CANARY, kind=f"text/plain; charset={CANARY}"),
    form_of(CANARY, CANARY, kind=f"text/plain; charset={CANARY}"),
]


async def test_no_refusal_keeps_a_word_of_its_request(whole, acme, bearer, monkeypatch):
    monkeypatch.setattr(refusals, "MAX_OF_ONE", 500)
    await pools.views(offer)
    form = {"Content-Type": "multipart/form-data; boundary=b"}

    asked = [
        *(ask(whole, fields, bearer) for fields in spoiled()),
        *(ask(whole, {**GOOD, "n": 99}, {**bearer, **headers}) for headers in HEADERS),
        *(ask(whole, b"", bearer, method="GET", path=path) for path in PATHS),
        *(ask(whole, fields, bearer, path=path) for path, fields in CHANGES),
        *(ask(whole, body, {**bearer, **form}, path="/v1/images/edits") for body in FORMS),
        *(ask(whole, {field.name: CANARY}, bearer, path="/v1/images/edits") for field in EDIT),
    ]
    exchanges = await asyncio.gather(*asked)

    rows = await written()
    refused = {
        ids.parse(ids.REQUEST, exchange.headers["x-request-id"])
        for exchange in exchanges
        if exchange.status >= 400
    }
    assert len(refused) > 140
    assert {row["id"] for row in rows} == refused
    assert [row for row in rows if CANARY in json.dumps(row, cls=DjangoJSONEncoder)] == []
