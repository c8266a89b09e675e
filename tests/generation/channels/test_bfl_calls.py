"""Black Forest Labs' API over real HTTP."""

import json

import pytest

from generation.channels import engine
from generation.channels.base import Adapter, Job, UpstreamRequest
from generation.channels.declaration import Task
from generation.channels.engine import WireAdapter
from generation.channels.errors import UpstreamError
from generation.channels.registry import open_adapter
from pictor.kit.outbound.http import HttpPool
from pictor.kit.running import retries
from pictor.kit.words.money import Micros
from tests.fakes.bfl_api import LOOK, ORDER, ORDER_3, PICTURE, BflApi, is_at, told
from tests.fakes.raw_server import RawServer, Script, running, says, sends
from tests.generation.channels.conftest import API_KEY, PIXEL, config_for, large_value
from tests.generation.channels.printing import pictures_of

pytestmark = pytest.mark.anyio

FOX = UpstreamRequest(model="flux-2-pro", prompt="a fox", size="1024x1024")
FOX_3 = UpstreamRequest(model="flux-3-image", prompt="a fox", size="1360x768")
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
def bfl(upstream, pool, spools):
    return open_adapter(config_for(upstream.url, kind="bfl"), pool, spools)


def shop_of(upstream: RawServer, scripts: dict[str, list[Script]] | None = None) -> BflApi:
    """The vendor, with these answers instead of its usual ones."""
    upstream.script = shop = BflApi(upstream.url, PIXEL, scripts or {})
    return shop


async def failure_of(
    adapter: Adapter, request: UpstreamRequest = FOX, seconds: float = 9
) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await adapter.generate(request, timeout_seconds=seconds)
    return raised.value


async def test_an_order_is_followed_to_its_picture(bfl, upstream):
    shop = shop_of(upstream)
    shop.scripts[LOOK] = [is_at("Pending"), is_at("Reasoning"), is_at("Generating"), shop.ready()]
    kept: list[tuple[Job, list[str]]] = []

    async def keep(job: Job) -> None:
        kept.append((job, list(shop.seen)))

    answer = await bfl.generate(FOX, on_job=keep)

    job = Job("t-1", f"{upstream.url}/v1/get_result?id=t-1", cost=Micros(30_000))
    assert kept == [(job, [ORDER])]
    assert shop.seen == [ORDER, *[LOOK] * 4, PICTURE]
    assert (pictures_of(answer), answer.cost) == ([PIXEL], 30_000)
    assert {each.headers["x-key"] for each in upstream.received} == {API_KEY}


async def test_a_stored_order_is_followed_and_nothing_is_ordered(bfl, upstream):
    shop = shop_of(upstream)

    job = Job("t-1", f"{upstream.url}/v1/get_result?id=t-1", cost=Micros(30_000))
    answer = await bfl.resume([job], FOX, timeout_seconds=9)

    assert (len(answer.images), shop.seen) == (1, [LOOK, PICTURE])


async def test_flux_3s_schema_is_kept(bfl, upstream):
    shop_of(upstream)

    answer = await bfl.generate(FOX_3)

    assert pictures_of(answer) == [PIXEL]
    assert json.loads(upstream.received[0].body)["aspect_ratio"] == "16:9"


async def test_a_field_that_flux_3_does_not_know_is_refused(bfl, upstream):
    shop = shop_of(upstream)

    error = await failure_of(bfl, UpstreamRequest("flux-3-image", "a fox", fields={"seed": 5}))

    assert (error.attempt_class, shop.seen) == ("rejected", [ORDER_3])


async def test_looks_that_fail_are_made_again(bfl, upstream):
    failing = [told({"detail": "x"}, 500), says(b"<html>", status=502), says(b"", status=429), LOST]
    shop = shop_of(upstream)
    shop.scripts[LOOK] = [*failing, shop.ready()]

    answer = await bfl.generate(FOX)

    assert (len(answer.images), shop.seen.count(ORDER), shop.seen.count(LOOK)) == (1, 1, 5)


@pytest.mark.parametrize(
    ("scripts", "expected", "cost"),
    [
        ({LOOK: [is_at("Request Moderated")]}, "moderated", 0),
        ({LOOK: [is_at("Content Moderated", 422)]}, "moderated", 0),
        ({LOOK: [is_at("Failed", 503)]}, "unknown", 30_000),
        ({LOOK: [is_at("Task not found", 404)]}, "unknown", 30_000),
        ({PICTURE: [says(b"gone", status=403)]}, "bad_result", 30_000),
    ],
    ids=["request", "content", "failed", "order expired", "picture expired"],
)
async def test_an_order_without_a_picture(bfl, upstream, scripts, expected, cost):
    shop = shop_of(upstream, scripts)

    error = await failure_of(bfl)

    assert (error.attempt_class, error.cost) == (expected, cost)
    assert error.may_have_billed is (cost != 0)
    assert shop.seen.count(ORDER) == 1


async def test_at_its_time_out_an_order_stays_open(bfl, upstream):
    shop = shop_of(upstream, {LOOK: [is_at("Pending")]})

    error = await failure_of(bfl, seconds=0.5)

    assert (error.attempt_class, error.may_have_billed) == ("unknown", True)
    assert set(shop.seen) == {ORDER, LOOK}


async def test_references_go_within_the_order(bfl, upstream):
    shop_of(upstream)
    edit = UpstreamRequest("flux-2-pro", "a fox", task=Task.EDIT, images=(large_value(b"one"),) * 2)

    await bfl.generate(edit)

    order = json.loads(upstream.received[0].body)
    assert (order["input_image"], order["input_image_2"]) == ("b25l", "b25l")


async def test_addresses_elsewhere_get_no_key_and_private_ones_no_call(upstream, spools):
    async with running(says(PIXEL)) as elsewhere, running(says(PIXEL)) as private:
        pool = HttpPool(egress_allow=[upstream.host_port, elsewhere.host_port])
        bfl = open_adapter(config_for(upstream.url, kind="bfl"), pool, spools)
        elsewhere.script = there = BflApi(elsewhere.url, PIXEL)
        there.scripts[LOOK] = [there.ready(sample=f"{private.url}/a.png")]
        shop_of(upstream, {ORDER: [there.taken()]})
        error = await failure_of(bfl)
        await pool.aclose()

    assert (error.attempt_class, there.seen, private.received) == ("bad_result", [LOOK], [])
    assert API_KEY not in str(elsewhere.received)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.bfl.ai/x", True),
        ("https://gateway.bfl.ai/x", True),
        ("https://api.eu2.bfl.ai/x", True),
        ("https://notbfl.ai/x", False),
        ("https://api.bfl.ai.example/x", False),
    ],
)
def test_the_key_is_for_the_vendors_own_hosts(spools, url, expected):
    adapter = open_adapter(config_for("https://api.bfl.ai", kind="bfl"), HttpPool(), spools)

    assert isinstance(adapter, WireAdapter)
    assert adapter.may_have_key(url) is expected


async def test_three_pictures_are_three_orders_at_their_whole_cost(bfl, upstream):
    shop = shop_of(upstream)

    answer = await bfl.generate(UpstreamRequest("flux-2-pro", "a fox", n=3))

    assert (len(answer.images), shop.seen.count(ORDER), answer.cost) == (3, 3, 90_000)
