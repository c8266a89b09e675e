"""fal's queue over real HTTP."""

import asyncio
import base64
import json
import os
from dataclasses import replace

import pytest

from generation.channels import engine, wires
from generation.channels.base import Adapter, Job, UpstreamRequest
from generation.channels.declaration import Task
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.registry import open_adapter
from pictor.kit.outbound.http import HttpPool, Payload
from tests.fakes.fal_queue import (
    COMPLETED,
    INITIATE,
    LOOK,
    PICTURE,
    RESULT,
    STOP,
    UPLOAD,
    WAITING,
    WORKING,
    FalQueue,
    told,
)
from tests.fakes.raw_server import RawServer, Received, Script, running, says, sends
from tests.generation.channels.conftest import API_KEY, PIXEL, config_for, large_value
from tests.generation.channels.printing import pictures_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick")]

FOX = UpstreamRequest(model="fal-ai/flux-2", prompt="a fox", size="1024x1024")
EDIT = UpstreamRequest(
    "fal-ai/flux-2", "a fox", task=Task.EDIT, images=(large_value(os.urandom(700_000)),)
)
ORDER = "POST /fal-ai/flux-2"
LOST = sends(b"", then_reset=True)


@pytest.fixture
async def elsewhere():
    async with running(says(PIXEL)) as server:
        yield server


@pytest.fixture
def fal(upstream, pool, spools):
    return open_adapter(config_for(upstream.url, kind="fal"), pool, spools)


def shop_of(upstream: RawServer, scripts: dict[str, list[Script]] | None = None) -> FalQueue:
    """fal, with these answers instead of its usual ones."""
    upstream.script = shop = FalQueue(upstream.url, PIXEL, scripts or {})
    return shop


async def failure_of(
    adapter: Adapter, request: UpstreamRequest = FOX, seconds: float = 9
) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await adapter.generate(request, timeout_seconds=seconds)
    return raised.value


async def test_an_order_is_followed_to_its_picture(fal, upstream):
    shop = shop_of(upstream, {LOOK: [WAITING, WORKING, WORKING, COMPLETED]})
    kept: list[tuple[Job, list[str]]] = []

    async def keep(job: Job) -> None:
        kept.append((job, list(shop.seen)))

    answer = await fal.generate(FOX, on_job=keep)

    place = f"{upstream.url}/requests/r-1"
    job = Job("r-1", f"{place}/status", place, f"{place}/cancel")
    assert kept == [(job, [ORDER])]
    assert shop.seen == [ORDER, *[LOOK] * 4, RESULT, PICTURE]
    [image] = answer.images
    assert (b"".join(image.spool.chunks()), image.seed) == (PIXEL, 42)
    assert (answer.request_id, answer.http_status) == ("r-1", 200)
    order = json.loads(upstream.received[0].body)
    assert (order["image_size"], order["output_format"]) == ({"width": 1024, "height": 1024}, "png")
    assert {each.headers["authorization"] for each in upstream.received} == {f"Key {API_KEY}"}


async def test_a_result_that_fails_is_fetched_again(fal, upstream):
    shop = shop_of(upstream)
    shop.scripts[RESULT] = [LOST, says(b"<html>nginx", status=502), shop.made()]

    answer = await fal.generate(FOX)

    assert (len(answer.images), shop.seen.count(ORDER), shop.seen.count(RESULT)) == (1, 1, 3)


async def test_a_picture_may_stand_in_the_answer(fal, upstream, pixel_b64):
    picture = os.urandom(1_500_000)
    large = "data:image/png;base64," + base64.b64encode(picture).decode()
    small = f"data:image/png;base64,{pixel_b64}"
    pictures = told({"images": [{"url": large}, {"url": small}]})
    shop_of(upstream, {RESULT: [pictures]})

    answer = await fal.generate(UpstreamRequest("fal-ai/flux-2", "a fox", n=2))

    assert [b"".join(image.spool.chunks()) for image in answer.images] == [picture, PIXEL]


@pytest.mark.parametrize(
    ("scripts", "expected", "cost"),
    [
        ({RESULT: [told({"detail": "Request not found"}, status=404)]}, "unknown", None),
        ({PICTURE: [says(b"gone", status=410)]}, "bad_result", None),
        ({RESULT: [told({"detail": "x", "error_type": "y"}, status=500)]}, "bad_result", 0),
        ({LOOK: [told({"detail": "Request not found"}, status=404)]}, "unknown", None),
    ],
    ids=["result expired", "picture expired", "failed", "order expired"],
)
async def test_a_completed_order_without_a_picture(fal, upstream, scripts, expected, cost):
    shop = shop_of(upstream, scripts)

    error = await failure_of(fal)

    assert (error.attempt_class, error.cost, error.request_id) == (expected, cost, "r-1")
    assert error.may_have_billed is (cost is None)
    assert shop.seen.count(ORDER) == 1


@pytest.mark.parametrize("key", ["status_url", "response_url"])
async def test_an_order_on_a_private_address_is_not_followed(fal, upstream, elsewhere, key):
    shop = shop_of(upstream)
    shop.scripts[ORDER] = [shop.taken(**{key: f"{elsewhere.url}/x"})]

    error = await failure_of(fal)

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.UNKNOWN, True)
    assert elsewhere.received == []


async def test_addresses_elsewhere_get_no_key(upstream, elsewhere, spools):
    pool = HttpPool(egress_allow=[upstream.host_port, elsewhere.host_port])
    fal = open_adapter(config_for(upstream.url, kind="fal"), pool, spools)
    there = FalQueue(elsewhere.url, PIXEL, {LOOK: [WAITING]})
    elsewhere.script = there
    placed = told({"upload_url": f"{elsewhere.url}/up", "file_url": "https://v3/i"})
    shop_of(upstream, {ORDER: [there.taken()], INITIATE: [placed]})

    error = await failure_of(fal, EDIT, 0.5)
    await pool.aclose()

    assert error.attempt_class == AttemptClass.UNKNOWN
    assert set(there.seen) == {UPLOAD, LOOK, STOP}
    assert all(API_KEY not in str(each.headers) for each in elsewhere.received)
    assert [each.headers["authorization"] for each in upstream.received] == [f"Key {API_KEY}"] * 2


@pytest.mark.parametrize(
    ("script", "expected", "is_paid"),
    [
        (told({"status": "OK"}), AttemptClass.REFUSED, False),
        (told({"status": "CANCELLATION_REQUESTED"}, status=202), AttemptClass.UNKNOWN, True),
        (told({"status": "ALREADY_COMPLETED"}, status=400), AttemptClass.UNKNOWN, True),
        (says(b"OK"), AttemptClass.UNKNOWN, True),
        (LOST, AttemptClass.UNKNOWN, True),
    ],
)
async def test_at_its_time_out_an_order_is_cancelled(fal, upstream, script, expected, is_paid):
    shop = shop_of(upstream, {LOOK: [WAITING], STOP: [script]})

    error = await failure_of(fal, seconds=1.0)

    assert (error.attempt_class, error.may_have_billed) == (expected, is_paid)
    assert (shop.seen[-1], shop.seen.count(ORDER)) == (STOP, 1)


async def test_a_reference_image_goes_up_before_the_order(fal, upstream):
    shop = shop_of(upstream)

    await fal.generate(EDIT)

    initiate, upload, order = upstream.received[:3]
    assert shop.seen[:3] == [INITIATE, UPLOAD, ORDER]
    assert json.loads(initiate.body) == {"content_type": "image/png", "file_name": "image.png"}
    assert initiate.headers["x-fal-object-lifecycle-preference"] == (
        '{"expiration_duration_seconds":3600}'
    )
    assert "authorization" not in upload.headers
    assert upload.body == b"".join([part async for part in EDIT.images[0].read()])
    assert upload.headers["content-type"] == "image/png"
    assert json.loads(order.body)["image_urls"] == ["https://v3/i"]


@pytest.mark.parametrize(
    ("scripts", "expected"),
    [
        ({INITIATE: [LOST]}, AttemptClass.NOT_REACHED),
        ({INITIATE: [says(b"down", status=503)]}, AttemptClass.REFUSED),
        ({UPLOAD: [LOST]}, AttemptClass.NOT_REACHED),
        ({UPLOAD: [says(b"<Error>", status=403)]}, AttemptClass.REFUSED),
    ],
)
async def test_where_no_image_can_go_up_nothing_is_ordered(fal, upstream, scripts, expected):
    shop = shop_of(upstream, scripts)

    error = await failure_of(fal, EDIT)

    assert (error.attempt_class, error.may_have_billed) == (expected, False)
    assert ORDER not in shop.seen
    assert len(shop.seen) <= 4


async def test_a_storage_that_is_not_there_is_not_reached(fal, upstream):
    gone = told({"upload_url": "http://127.0.0.1:1/up", "file_url": "https://v3/i"})
    shop = shop_of(upstream, {INITIATE: [gone]})

    error = await failure_of(fal, EDIT)

    assert (error.attempt_class, shop.seen) == (AttemptClass.NOT_REACHED, [INITIATE])


async def test_an_upload_has_more_time_the_larger_it_is(fal, upstream, monkeypatch):
    monkeypatch.setattr(wires, "FREE_SECONDS", 0.2)

    async def slowly(request: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.5)  # of 0.2 s and 0.7 s for 700,000 bytes
        await says(b"uploaded")(request, writer)

    shop = shop_of(upstream, {UPLOAD: [slowly]})

    answer = await fal.generate(EDIT)

    assert pictures_of(answer) == [PIXEL]
    assert shop.seen.count(UPLOAD) == 1


@pytest.mark.parametrize(
    ("size_bytes", "seconds"), [(100, 20.0001), (10_000_000, 30.0), (52_428_800, 60.0)]
)
def test_a_try_of_an_upload_has_a_minute_at_most(size_bytes, seconds):
    body = large_value(b"", size_bytes=size_bytes)
    call = wires.Call("PUT", "/up", {}, Payload(body.size_bytes, body.read), is_upload=True)

    assert call.free_seconds == seconds


async def test_an_upload_of_which_no_byte_is_taken_is_given_up_before_its_time(
    upstream, spools, monkeypatch
):
    monkeypatch.setattr(engine, "READ_SECONDS", 0.2)
    tries: list[asyncio.StreamWriter] = []

    async def takes_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tries.append(writer)
        await asyncio.Event().wait()

    async with await asyncio.start_server(takes_nothing, "127.0.0.1", 0) as storage:
        there = "127.0.0.1:{1}".format(*storage.sockets[0].getsockname())
        placed = told({"upload_url": f"http://{there}/up", "file_url": "https://v3/i"})
        shop = shop_of(upstream, {INITIATE: [placed]})
        pool = HttpPool(egress_allow=[upstream.host_port, there])
        fal = open_adapter(config_for(upstream.url, kind="fal"), pool, spools)
        error = await failure_of(fal, replace(EDIT, images=(large_value(bytes(16_000_000)),)), 5)
        await pool.aclose()
        for writer in tries:
            writer.transport.abort()

    assert (error.attempt_class, shop.seen) == (AttemptClass.NOT_REACHED, [INITIATE])
    assert len(tries) == 3
