"""ComfyUI over real HTTP: each order is sent once, and followed by its id."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from typing_extensions import override

from generation.channels.base import Adapter, Job, UpstreamRequest
from generation.channels.comfyui.kind import GRAPHS
from generation.channels.comfyui.wire import ComfyWire
from generation.channels.declaration import Task
from generation.channels.engine import WireAdapter
from generation.channels.errors import UpstreamError
from generation.channels.registry import open_adapter
from generation.channels.wires import Steps
from tests.fakes.comfy_server import (
    EDIT_MAP,
    LOOK,
    MAP,
    ORDER,
    SLOTS,
    UPLOAD,
    VIEW,
    ComfyServer,
)
from tests.fakes.raw_server import RawServer, Received, says, sends
from tests.generation.channels.conftest import API_KEY, PIXEL, config_for, large_value
from tests.generation.channels.printing import pictures_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick")]

FOX = UpstreamRequest(model="fox", prompt="a fox", size="768x512")
LOST = sends(b"", then_reset=True)
NAME = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def shop(upstream: RawServer) -> ComfyServer:
    upstream.script = made = ComfyServer(PIXEL)
    return made


@pytest.fixture
def opened(upstream, pool, spools):
    """The adapter of a route with that map."""

    def opened(field_map: dict[str, Any] = MAP, *, url: str = "", **options: Any) -> Adapter:
        options["field_map"] = GRAPHS.checked(field_map)
        return open_adapter(
            config_for(url or upstream.url, kind="comfyui", **options), pool, spools
        )

    return opened


def job_at(upstream: RawServer, **changes: Any) -> Job:
    look = f"{upstream.url}/api/jobs/{NAME}"
    return replace(Job(NAME, look, "9", f"{look}/cancel", is_ahead=True), **changes)


async def failure_of(channel: Adapter, **options: Any) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await channel.generate(FOX, timeout_seconds=options.pop("seconds", 20), **options)
    return raised.value


async def test_an_order_is_kept_then_sent_then_followed_to_its_pictures(opened, shop, upstream):
    kept: list[tuple[Job, list[str]]] = []

    async def keep(job: Job) -> None:
        kept.append((job, [*shop.seen]))

    answer = await opened().generate(replace(FOX, n=2), on_job=keep)

    [(job, before)] = kept
    assert (before, shop.seen) == ([], [ORDER, LOOK, VIEW, VIEW])
    assert pictures_of(answer) == [PIXEL, PIXEL]
    assert [(name, graph["5"]["inputs"]["batch_size"]) for name, graph in shop.orders] == [
        (job.id, 2)
    ]
    assert upstream.received[-1].target == "/view?filename=fox_00002_.png&subfolder=a+b&type=output"
    assert {each.headers["authorization"] for each in upstream.received} == {f"Bearer {API_KEY}"}


async def test_without_a_place_for_n_each_picture_is_an_order(opened, shop):
    slots = {name: SLOTS[name] for name in SLOTS.keys() - {"n"}}

    answer = await opened({**MAP, "slots": slots}, max_n=1).generate(replace(FOX, n=3))

    assert (pictures_of(answer), len(shop.orders)) == ([PIXEL] * 3, 3)
    assert len({name for name, _ in shop.orders}) == 3
    assert len({graph["3"]["inputs"]["seed"] for _, graph in shop.orders}) == 3


async def test_reference_images_go_up_under_names_of_the_order(opened, shop):
    images = (large_value(b"one", prefix="data:image/png;base64,"), large_value(b"two"))

    await opened(EDIT_MAP).generate(replace(FOX, task=Task.EDIT, images=images))

    [(name, graph)] = shop.orders
    assert shop.files == {f"pictor-{name}-0.png": b"one", f"pictor-{name}-1.png": b"two"}
    assert [graph[node]["inputs"]["image"] for node in ("10", "11")] == [*shop.files]
    assert shop.seen == [UPLOAD, UPLOAD, ORDER, LOOK, VIEW]


async def test_an_order_whose_answer_was_lost_is_followed_by_its_id(opened, shop):
    async def queued_and_lost(request: Received, writer: asyncio.StreamWriter) -> None:
        order = json.loads(request.body)
        shop.orders.append((order["prompt_id"], order["prompt"]))
        await LOST(request, writer)

    shop.scripts[ORDER] = [queued_and_lost]

    answer = await opened().generate(FOX)

    assert pictures_of(answer) == [PIXEL]
    assert shop.seen == [ORDER, LOOK, VIEW]


async def test_an_order_that_is_slow_to_be_answered_is_followed_before_its_time_out(
    opened, shop, monkeypatch
):
    monkeypatch.setattr("generation.channels.wires.FREE_SECONDS", 0.3)

    async def queued_and_silent(request: Received, writer: asyncio.StreamWriter) -> None:
        order = json.loads(request.body)
        shop.orders.append((order["prompt_id"], order["prompt"]))
        await asyncio.sleep(30)

    shop.scripts[ORDER] = [queued_and_silent]

    answer = await opened().generate(FOX, timeout_seconds=20)

    assert (pictures_of(answer), shop.seen.count(ORDER)) == ([PIXEL], 1)


async def test_a_server_that_is_not_there_was_not_reached_although_the_id_is_kept(opened):
    kept: list[Job] = []

    async def keep(job: Job) -> None:
        kept.append(job)

    error = await failure_of(opened(url="http://127.0.0.1:1"), on_job=keep)

    assert (error.attempt_class, error.may_have_billed) == ("not_reached", False)
    assert (len(kept), error.is_taken) == (1, False)


async def test_a_time_out_while_the_id_is_being_kept_is_free_and_cancels_nothing(opened, shop):
    async def keep(job: Job) -> None:
        await asyncio.sleep(30)

    error = await failure_of(opened(), on_job=keep, seconds=0.3)

    assert (error.attempt_class, error.may_have_billed, shop.seen) == ("not_reached", False, [])


async def test_a_restart_forgets_an_order_that_was_taken(opened, shop):
    shop.may_end.clear()
    task = asyncio.ensure_future(failure_of(opened()))
    while shop.seen.count(LOOK) < 2:
        await asyncio.sleep(0.01)
    shop.restart()

    error = await task

    assert (error.attempt_class, error.may_have_billed, error.is_taken) == ("unknown", True, True)
    assert shop.seen.count(ORDER) == 1


async def test_a_picture_that_is_gone_was_made_and_paid(opened, shop):
    shop.scripts[VIEW] = [says(b"", status=404)]

    error = await failure_of(opened())

    assert (error.attempt_class, error.may_have_billed) == ("bad_result", True)
    assert shop.seen.count(ORDER) == 1


async def test_a_takeover_sends_an_order_that_never_went_out_and_only_that(opened, shop, upstream):
    answer = await opened().resume([job_at(upstream)], FOX, timeout_seconds=20)

    assert pictures_of(answer) == [PIXEL]
    assert [name for name, _ in shop.orders] == [NAME]
    again = await opened().resume([job_at(upstream)], FOX, timeout_seconds=20)
    assert (pictures_of(again), len(shop.orders)) == ([PIXEL], 1)


async def test_a_job_whose_order_was_sent_is_never_ordered_by_a_takeover(
    pool, spools, shop, upstream
):
    sent = job_at(upstream, is_ahead=False)

    with pytest.raises(UpstreamError) as raised:
        await open_adapter(
            config_for(upstream.url, kind="comfyui", field_map=GRAPHS.checked(MAP)), pool, spools
        ).resume([sent], FOX, timeout_seconds=20)

    assert (raised.value.attempt_class, shop.orders) == ("unknown", [])


class Again(ComfyWire):
    """Orders once more when it should follow."""

    @override
    def resume(self, job: Job, request: UpstreamRequest) -> Steps:
        yield from self.make(request)
        return (yield from self.make(request))


async def test_one_process_sends_an_order_once_even_in_a_takeover(pool, spools, shop, upstream):
    config = config_for(upstream.url, kind="comfyui", field_map=GRAPHS.checked(MAP))
    adapter = WireAdapter(config, pool, spools, Again(config))

    with pytest.raises(UpstreamError) as raised:
        await adapter.resume([job_at(upstream)], FOX, timeout_seconds=20)

    assert (raised.value.attempt_class, len(shop.orders)) == ("unknown", 1)
