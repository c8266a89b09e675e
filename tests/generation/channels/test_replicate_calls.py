"""Replicate's API over real HTTP."""

import json
import os

import pytest

from generation.channels import engine
from generation.channels.base import Adapter, Job, UpstreamRequest
from generation.channels.declaration import Task
from generation.channels.engine import WireAdapter
from generation.channels.errors import UpstreamError
from generation.channels.registry import open_adapter
from pictor.kit.outbound.http import HttpPool
from pictor.kit.running import retries
from tests.fakes.raw_server import RawServer, running, says, sends
from tests.fakes.replicate_api import (
    LOOK,
    MODEL,
    ORDER,
    PICTURE,
    STOP,
    UPLOAD,
    ReplicateApi,
    complaint,
    told,
)
from tests.generation.channels.conftest import API_KEY, PIXEL, config_for, large_value
from tests.generation.channels.printing import pictures_of

pytestmark = pytest.mark.anyio

FOX = UpstreamRequest(model=MODEL, prompt="a fox", size="1024x1024")
EDIT = UpstreamRequest(MODEL, "a fox", task=Task.EDIT, images=(large_value(os.urandom(700_000)),))
IMAGES = {"images": {"to": "input_images", "as": "list"}}
LOST = sends(b"", then_reset=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(engine, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(engine, "LONGEST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(engine, "_quiet_until", {})
    monkeypatch.setattr(
        "generation.channels.download._again", retries.calls(tries=2, pause_seconds=0.01)
    )


@pytest.fixture
def replicate(upstream, pool, spools):
    account = config_for(upstream.url, kind="replicate", field_map=IMAGES)
    return open_adapter(account, pool, spools)


def shop_of(upstream: RawServer) -> ReplicateApi:
    upstream.script = shop = ReplicateApi(upstream.url, PIXEL)
    return shop


async def failure_of(
    adapter: Adapter, request: UpstreamRequest = FOX, seconds: float = 9
) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await adapter.generate(request, timeout_seconds=seconds)
    return raised.value


async def test_an_order_is_followed_to_its_picture(replicate, upstream):
    shop = shop_of(upstream)
    shop.scripts[LOOK] = [shop.is_at("starting"), shop.is_at("processing"), shop.made()]
    kept: list[tuple[Job, list[str]]] = []

    async def keep(job: Job) -> None:
        kept.append((job, list(shop.seen)))

    answer = await replicate.generate(FOX, on_job=keep)

    place = f"{upstream.url}/v1/predictions/p-1"
    assert kept == [(Job("p-1", place, stop=f"{place}/cancel"), [ORDER])]
    assert shop.seen == [ORDER, *[LOOK] * 3, PICTURE]
    assert pictures_of(answer) == [PIXEL]
    assert upstream.received[0].headers["cancel-after"] == "230s"
    assert {each.headers["authorization"] for each in upstream.received} == {f"Bearer {API_KEY}"}


async def test_a_stored_order_is_followed_and_nothing_is_ordered(replicate, upstream):
    shop = shop_of(upstream)

    job = Job("p-1", f"{upstream.url}/v1/predictions/p-1")
    answer = await replicate.resume([job], FOX, timeout_seconds=9)

    assert (len(answer.images), shop.seen) == (1, [LOOK, PICTURE])


async def test_looks_that_fail_are_made_again(replicate, upstream):
    shop = shop_of(upstream)
    shop.scripts[LOOK] = [
        complaint(500, "x"), says(b"<html>", status=502), complaint(429, "throttled"), LOST,
        shop.made(),
    ]  # fmt: skip

    answer = await replicate.generate(FOX)

    assert (len(answer.images), shop.seen.count(ORDER), shop.seen.count(LOOK)) == (1, 1, 5)


async def test_an_order_that_had_not_begun_is_seen_to_be_given_up_before_our_time_is_over(
    replicate, upstream
):
    shop = shop_of(upstream)
    shop.scripts[LOOK] = [*[shop.is_at("starting")] * 3, shop.is_at("aborted")]

    error = await failure_of(replicate, seconds=30)

    assert (error.attempt_class, error.cost, error.may_have_billed) == ("refused", 0, False)
    assert upstream.received[0].headers["cancel-after"] == "20s"
    assert STOP not in shop.seen


@pytest.mark.parametrize(
    ("word", "expected", "is_paid"),
    [("canceled", "unknown", True), ("aborted", "refused", False), ("processing", "unknown", True)],
)
async def test_at_its_time_out_an_order_is_cancelled(replicate, upstream, word, expected, is_paid):
    shop = shop_of(upstream)
    shop.scripts |= {LOOK: [shop.is_at("processing")], STOP: [shop.is_at(word)]}

    error = await failure_of(replicate, seconds=1.0)

    assert (error.attempt_class, error.may_have_billed) == (expected, is_paid)
    assert (shop.seen[-1], shop.seen.count(ORDER)) == (STOP, 1)


@pytest.mark.parametrize(
    ("call", "script", "expected"),
    [
        (LOOK, complaint(404, "not found"), "unknown"),
        (PICTURE, says(b"gone", status=404), "bad_result"),
    ],
    ids=["order expired", "picture expired"],
)
async def test_what_has_expired_was_paid(replicate, upstream, call, script, expected):
    shop = shop_of(upstream)
    shop.scripts[call] = [script]

    error = await failure_of(replicate)

    assert (error.attempt_class, error.may_have_billed) == (expected, True)
    assert shop.seen.count(ORDER) == 1


async def test_a_reference_image_goes_up_before_the_order(replicate, upstream):
    shop = shop_of(upstream)

    await replicate.generate(EDIT)

    upload, order = upstream.received[:2]
    assert shop.seen[:2] == [UPLOAD, ORDER]
    assert b"".join([part async for part in EDIT.images[0].read()]) in upload.body
    assert json.loads(order.body)["input"]["input_images"] == [f"{upstream.url}/v1/files/f-1"]


async def test_an_order_is_told_the_time_that_is_left_when_it_is_sent(replicate, upstream):
    shop = shop_of(upstream)
    busy = says(b"busy", status=503, headers={"retry-after": "1"})
    shop.scripts[UPLOAD] = [busy, shop.usual(UPLOAD)]

    await replicate.generate(EDIT, timeout_seconds=60)

    order = next(each for each in upstream.received if each.target.endswith("/predictions"))
    assert 20 <= int(order.headers["cancel-after"].removesuffix("s")) < 50


@pytest.mark.parametrize(
    ("script", "expected"),
    [(LOST, "not_reached"), (says(b"down", status=503), "refused"), (told({}, 401), "refused")],
)
async def test_where_no_image_can_go_up_nothing_is_ordered(replicate, upstream, script, expected):
    shop = shop_of(upstream)
    shop.scripts[UPLOAD] = [script]

    error = await failure_of(replicate, EDIT)

    assert (error.attempt_class, error.may_have_billed) == (expected, False)
    assert set(shop.seen) == {UPLOAD}


async def test_addresses_elsewhere_get_no_key_and_private_ones_no_call(upstream, spools):
    async with running(says(PIXEL)) as elsewhere, running(says(PIXEL)) as private:
        pool = HttpPool(egress_allow=[upstream.host_port, elsewhere.host_port])
        account = config_for(upstream.url, kind="replicate")
        replicate = open_adapter(account, pool, spools)
        elsewhere.script = there = ReplicateApi(elsewhere.url, PIXEL)
        there.scripts[LOOK] = [there.is_at("succeeded", output=f"{private.url}/a.png")]
        shop_of(upstream).scripts[ORDER] = [there.is_at("starting", 201)]
        error = await failure_of(replicate)
        await pool.aclose()

    assert (error.attempt_class, there.seen, private.received) == ("bad_result", [LOOK], [])
    assert API_KEY not in str(elsewhere.received)


def test_the_key_is_for_the_api_alone(spools):
    account = config_for("https://api.replicate.com", kind="replicate")
    adapter = open_adapter(account, HttpPool(), spools)

    assert isinstance(adapter, WireAdapter)
    assert adapter.may_have_key("https://api.replicate.com/v1/predictions/p-1")
    assert not adapter.may_have_key("https://replicate.delivery/a.png")


async def test_three_pictures_are_three_orders(replicate, upstream):
    shop = shop_of(upstream)

    answer = await replicate.generate(UpstreamRequest(MODEL, "a fox", n=3))

    assert (len(answer.images), shop.seen.count(ORDER)) == (3, 3)
