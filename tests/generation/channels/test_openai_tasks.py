"""Relays that answer an order with a task, over real HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from generation.channels.base import Adapter, Job, UpstreamRequest
from generation.channels.declaration import Task
from generation.channels.errors import UpstreamError
from generation.channels.registry import kind_of, open_adapter
from pictor.kit.outbound.http import HttpPool
from tests.fakes.raw_server import RawServer, Script, running, says, sends
from tests.generation.channels.conftest import API_KEY, PIXEL, config_for, large_value
from tests.generation.channels.printing import PICTURE, Vendor, pictures_of, tells

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick")]

FOX = UpstreamRequest(model="fox-1", prompt="a fox")
ORDER = "POST /v1/images/generations"
LOOK = "GET /v1/tasks/task-1"
TAKEN = tells({"code": 200, "data": [{"status": "submitted", "task_id": "task-1"}]})
RUNNING = tells({"code": 200, "data": {"id": "task-1", "status": "processing"}})
DONE = tells({"status": "completed", "results": [{"b64_json": PICTURE}]})


def relay(upstream: RawServer, **scripts: list[Script] | Script) -> Vendor:
    """A relay that answers an order with `order`, and looks with `look` in turn."""
    turns = {ORDER: scripts.get("order", TAKEN), LOOK: scripts.get("look", DONE)}
    upstream.script = shop = Vendor(
        {name: list(each) if isinstance(each, list) else [each] for name, each in turns.items()}
    )
    return shop


@asynccontextmanager
async def both(first: RawServer, second: RawServer) -> AsyncIterator[HttpPool]:
    pool = HttpPool(egress_allow=[first.host_port, second.host_port], connect_timeout_seconds=2)
    yield pool
    await pool.aclose()


async def failure_of(channel: Adapter, **options: Any) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await channel.generate(FOX, **options)
    return raised.value


async def test_the_task_for_an_answer_is_followed_to_its_picture(channel, upstream):
    shop = relay(upstream, look=[RUNNING, RUNNING, DONE])
    kept: list[Job] = []

    async def keep(job: Job) -> None:
        kept.append(job)
        assert shop.seen == [ORDER]

    answer = await channel.generate(FOX, on_job=keep)

    assert pictures_of(answer) == [PIXEL]
    assert shop.seen == [ORDER, LOOK, LOOK, LOOK]
    assert kept == [Job("task-1", look=f"{upstream.url}/v1/tasks/task-1")]
    assert {each.headers["authorization"] for each in upstream.received} == {f"Bearer {API_KEY}"}


RELAYS = [  # settings, the answers to the order and to a look, and the addresses called
    (
        {},
        {"code": 200, "data": {"status": "submitted", "task_id": "t-1"}},
        {"code": 200, "data": {"status": "completed", "result": {"images": [{"url": ["/p.png"]}]}}},
        ("/v1/images/generations", "/v1/tasks/t-1"),
    ),
    (
        {},
        {"id": "t-1", "object": "image.generation.task", "status": "pending"},
        {"id": "t-1", "status": "completed", "results": ["/p.png"]},
        ("/v1/images/generations", "/v1/tasks/t-1"),
    ),
    (
        {"task_path": "images/tasks", "order_suffix": "async"},
        {"task_id": "t-1"},
        {"created": 1, "data": [{"url": "/p.png"}]},
        ("/v1/images/generations/async", "/v1/images/tasks/t-1"),
    ),
    (
        {"task_path": "task", "order_suffix": "async", "key_header": "X-API-Key"},
        {"code": 200, "data": {"task_id": "t-1"}},
        {"data": {"status": "Completed", "output": {"data": [{"b64_json": PICTURE}]}}},
        ("/v1/images/generations/async", "/v1/task/t-1"),
    ),
]


@pytest.mark.parametrize("case", RELAYS, ids=["apimart", "evolink", "sub2api", "piapi"])
async def test_each_relays_shape_brings_its_picture(upstream, pool, spools, case):
    settings, taken, done, (order, look) = case
    shop = upstream.script = Vendor(
        {f"POST {order}": [tells(taken)], f"GET {look}": [tells(done)], "GET /p.png": [says(PIXEL)]}
    )
    relayed = open_adapter(config_for(upstream.url, settings=settings), pool, spools)

    answer = await relayed.generate(FOX)

    assert pictures_of(answer) == [PIXEL]
    assert shop.seen[:2] == [f"POST {order}", f"GET {look}"]


def costing(cost: object, state: str = "completed") -> dict[str, object]:
    """APIMart's finished task."""
    result = {"images": [{"b64_json": PICTURE}]}
    return {"code": 200, "data": {"status": state, "result": result, "cost": cost}}


RESERVED = {"status": "completed", "results": [{"b64_json": PICTURE}]} | {
    "usage": {"credits_reserved": 2.5}, "estimate": 2.5,
}  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [
        ("", costing(2.5), None),
        ("0.01", costing(2.5), 25_000),
        ("0.000001", costing(2.5), 3),
        ("0.01", costing(0), 0),
        ("1", costing(1e-05), 10),
        ("0.01", costing(1_000_001), None),
        ("0.01", costing(-1), None),
        ("0.01", costing(cost=True), None),
        ("0.01", costing("2.5"), None),
        ("0.01", costing(None), None),
        ("0.01", costing(2.5, state=""), None),
        ("0.01", costing(2.5) | {"cost": 3}, None),
        ("0.01", RESERVED, None),
    ],
)
async def test_the_cost_of_a_finished_task_is_booked_where_a_credits_is_known(
    upstream, pool, spools, case
):
    credit_usd, done, cost = case
    relay(upstream, look=tells(done))
    settings = {"credit_usd": credit_usd} if credit_usd else {}

    config = config_for(upstream.url, settings=settings)

    answer = await open_adapter(config, pool, spools).generate(FOX)

    assert (pictures_of(answer), answer.cost) == ([PIXEL], cost)


async def test_what_an_order_reserves_is_no_cost(upstream, pool, spools):
    order = {"id": "task-1", "object": "image.generation.task", "status": "pending", "cost": 9}
    relay(upstream, order=tells(order | {"usage": {"credits_reserved": 2.5}}))
    config = config_for(upstream.url, settings={"credit_usd": "0.01"})

    answer = await open_adapter(config, pool, spools).generate(FOX)

    assert (pictures_of(answer), answer.cost) == ([PIXEL], None)


async def test_the_key_has_the_header_of_the_relay(upstream, pool, spools):
    relay(upstream)
    config = config_for(upstream.url, settings={"key_header": "X-API-Key"})

    await open_adapter(config, pool, spools).generate(FOX)

    assert [each.headers["x-api-key"] for each in upstream.received] == [API_KEY, API_KEY]
    assert not any("authorization" in each.headers for each in upstream.received)


async def test_each_order_of_several_has_its_task_followed(upstream, pool, spools):
    taken = [tells({"task_id": name}) for name in ("t-1", "t-2")]
    looks = {f"GET /v1/tasks/{name}": [DONE] for name in ("t-1", "t-2")}
    shop = upstream.script = Vendor({ORDER: taken, **looks})
    relayed = open_adapter(config_for(upstream.url, settings={"max_n": "1"}), pool, spools)
    kept: list[Job] = []

    async def keep(job: Job) -> None:
        kept.append(job)

    answer = await relayed.generate(replace(FOX, n=2), on_job=keep)

    assert pictures_of(answer) == [PIXEL, PIXEL]
    assert sorted(job.id for job in kept) == ["t-1", "t-2"]
    assert sorted(shop.seen) == [*looks, ORDER, ORDER]


async def test_an_edit_is_followed_too(upstream, pool, spools):
    shop = Vendor({"POST /v1/images/edits/async": [TAKEN], LOOK: [DONE]})
    upstream.script = shop
    config = config_for(upstream.url, settings={"order_suffix": "async"})
    edit = replace(FOX, task=Task.EDIT, images=(large_value(PIXEL),))

    answer = await open_adapter(config, pool, spools).generate(edit)

    assert pictures_of(answer) == [PIXEL]


async def test_the_id_is_one_segment_of_the_path(channel, upstream):
    taken = tells({"task_id": "../keys?a=1#ü"})
    shop = Vendor({ORDER: [taken], "GET /v1/tasks/..%2Fkeys%3Fa%3D1%23%C3%BC": [DONE]})
    upstream.script = shop

    answer = await channel.generate(FOX, timeout_seconds=5)

    assert pictures_of(answer) == [PIXEL]


@pytest.mark.parametrize("name", [".", "..", "a\nb", "a" * 1_001], ids=str.__len__)
async def test_an_id_that_is_no_name_is_followed_nowhere(channel, upstream, name):
    shop = relay(upstream, order=tells({"task_id": name}, x_request_id="req-1"))

    error = await failure_of(channel)

    assert (error.attempt_class, error.may_have_billed) == ("unknown", True)
    assert (error.request_id, shop.seen) == ("req-1", [ORDER])


async def test_several_tasks_are_followed_and_no_more_than_ordered(channel, upstream):
    names = [f"t-{number}" for number in range(2_500)]
    turns = {f"GET /v1/tasks/{name}": [DONE] for name in names}
    shop = Vendor({ORDER: [tells({"data": [{"task_id": name} for name in names]})], **turns})
    upstream.script = shop

    answer = await channel.generate(replace(FOX, n=3))

    assert pictures_of(answer) == [PIXEL] * 3
    assert sorted(shop.seen[1:]) == ["GET /v1/tasks/t-0", "GET /v1/tasks/t-1", "GET /v1/tasks/t-2"]


async def test_a_task_that_has_failed_counts_its_own_picture_as_lost(channel, upstream):
    failed = tells({"task_id": "b", "status": "failed"})
    upstream.script = Vendor(
        {
            ORDER: [tells({"data": [{"task_id": "a"}, {"task_id": "b"}]})],
            "GET /v1/tasks/a": [DONE],
            "GET /v1/tasks/b": [failed],
        }
    )

    answer = await channel.generate(replace(FOX, n=2))

    assert (pictures_of(answer), answer.lost) == ([PIXEL], 1)


async def test_a_picture_beside_a_task_is_taken_at_once(channel, upstream):
    shop = relay(upstream, order=tells({"data": [{"b64_json": PICTURE, "task_id": "task-1"}]}))

    answer = await channel.generate(FOX)

    assert (pictures_of(answer), shop.seen) == ([PIXEL], [ORDER])


async def test_a_task_comes_before_the_complaint_of_its_answer(channel, upstream):
    order = tells({"task_id": "task-1", "code": 429, "message": "queued: too many requests"})
    relay(upstream, order=order)

    answer = await channel.generate(FOX)

    assert pictures_of(answer) == [PIXEL]


async def test_an_echoed_reference_is_no_picture_of_a_running_task(channel, upstream):
    running_task = tells({"status": "processing", "images": [{"b64_json": PICTURE}]})
    shop = relay(upstream, look=[running_task, DONE])

    await channel.generate(FOX)

    assert shop.seen == [ORDER, LOOK, LOOK]


def ended(state: str, message: str = "", **more: object) -> dict[str, object]:
    return {"data": {"id": "task-1", "status": state, "error": {"message": message}, **more}}


REFUSED = {"error": {"code": "invalid_api_key", "message": "Incorrect API key provided"}}


@pytest.mark.parametrize(
    "case",
    [
        (200, ended("failed", "blocked by our safety system"), "moderated"),
        (200, ended("failed", code="invalid_parameter"), "rejected"),
        (200, ended("failed", "insufficient balance"), "refused"),
        (200, ended("failed"), "bad_result"),
        (200, ended("completed", error=None), "bad_result"),
        (422, ended("failed", "blocked by our safety system"), "moderated"),
        (401, REFUSED, "unknown"),
        (200, {"status": "error", **REFUSED}, "unknown"),
        (200, REFUSED, "unknown"),
        (500, ended("failed", "blocked by our safety system"), "moderated"),
        (504, ended("failed"), "bad_result"),
        (400, {"error": {"message": "violates our content policy"}}, "moderated"),
    ],
)
async def test_each_end_of_a_task_has_its_class(channel, upstream, case):
    status, document, expected = case
    shop = relay(upstream, look=tells(document, status=status))

    error = await failure_of(channel)

    assert error.attempt_class == expected
    assert shop.seen == [ORDER, LOOK]


async def test_the_callers_own_words_are_not_believed_of_a_failed_task(channel, upstream):
    failed = ended("failed", "cannot draw: insufficient balance")
    relay(upstream, look=tells(failed))
    request = replace(FOX, prompt="a bank that says insufficient balance")

    with pytest.raises(UpstreamError) as raised:
        await channel.generate(request)

    assert raised.value.attempt_class == "bad_result"


async def test_failed_looks_are_repeated_and_the_order_is_not(channel, upstream):
    lost, down = sends(b"", then_reset=True), says(b"<html>", status=502)
    unheard = tells({"error": {"message": "not found"}}, status=404)
    busy = tells({"error": {"message": "slow down"}}, status=429, retry_after="0")
    broken = tells({"error": {"message": "no such column"}}, status=500)
    shop = relay(upstream, look=[lost, down, unheard, busy, unheard, broken, broken, DONE])

    answer = await channel.generate(FOX)

    assert pictures_of(answer) == [PIXEL]
    assert shop.seen == [ORDER, *[LOOK] * 8]


async def test_a_task_that_is_never_known_is_unknown(channel, upstream):
    shop = relay(upstream, look=tells({"error": {"message": "not found"}}, status=404))

    error = await failure_of(channel)

    assert (error.attempt_class, shop.seen) == ("unknown", [ORDER, LOOK, LOOK, LOOK])


async def test_a_relays_wait_is_the_least_pause_between_looks(channel, upstream):
    waiting = tells({"task_id": "task-1", "status": "pending"}, retry_after="1")
    shop = relay(upstream, look=[waiting, DONE])

    await channel.generate(FOX)

    assert shop.times[2] - shop.times[1] >= 1.0


@pytest.mark.parametrize("state", ["processing", "a state never heard of"])
async def test_looks_end_with_the_time(channel, upstream, state):
    order = tells({"task_id": "task-1"}, x_request_id="req-1")
    relay(upstream, order=order, look=tells({"status": state}))

    error = await failure_of(channel, timeout_seconds=0.5)

    assert (error.attempt_class, error.may_have_billed) == ("unknown", True)
    assert error.request_id == "req-1"


async def test_a_result_elsewhere_gets_no_key(upstream, spools):
    async with running(says(PIXEL)) as bucket, both(upstream, bucket) as pool:
        relay(upstream, look=tells({"status": "completed", "url": [f"{bucket.url}/p.png"]}))
        answer = await open_adapter(config_for(upstream.url), pool, spools).generate(FOX)

    [fetched] = bucket.received
    assert pictures_of(answer) == [PIXEL]
    assert "authorization" not in fetched.headers


async def test_a_result_on_a_private_address_is_not_fetched(channel, upstream):
    async with running(says(PIXEL)) as private:
        relay(upstream, look=tells({"status": "completed", "url": [f"{private.url}/p.png"]}))
        error = await failure_of(channel)

    assert (error.attempt_class, private.received) == ("bad_result", [])


async def test_a_task_is_followed_by_another_worker(channel, upstream):
    shop = relay(upstream, look=[RUNNING, DONE])
    job = Job.from_json({"id": "task-1", "look": f"{upstream.url}/v1/tasks/task-1"})

    answer = await channel.resume([job], FOX, timeout_seconds=5)

    assert (pictures_of(answer), shop.seen) == ([PIXEL], [LOOK, LOOK])


@pytest.mark.parametrize(
    "settings",
    [
        {"task_path": "../keys"},
        {"task_path": "/v1"},
        {"order_suffix": "a?b"},
        {"key_header": "Host"},
        {"max_n": "0"},
        {"max_n": "11"},
        {"credit_usd": "0.00"},
        {"credit_usd": "-1"},
        {"credit_usd": "1e3"},
    ],
)
def test_settings_lead_nowhere_else(settings):
    with pytest.raises(ValueError, match="is no "):
        kind_of("openai").checked_settings(settings)


def test_the_settings_of_a_relay_may_be_left_out():
    kind = kind_of("openai")

    assert kind.checked_settings({}) == {}
    assert kind.checked_settings({"task_path": "images/tasks"}) == {"task_path": "images/tasks"}
