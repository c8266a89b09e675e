"""Wake-ups that carry the finished generation are answered without reading its row."""

import asyncio
import json
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.exceptions import SynchronousOnlyOperation

from generation.api import render, streaming, waiting
from generation.api.waiting import Hub
from generation.channels.declaration import Task
from generation.lifecycle import notify, settlement
from generation.lifecycle.claims import Claim
from generation.lifecycle.outcome import BROKEN, Failure
from generation.lifecycle.settlement import settle_and_tell
from generation.lifecycle.wakeups import answer_json, read_wakeup
from generation.models import Generation
from generation.selectors import Finished, finished_among
from pictor.kit.bytes.spool import Spools
from pictor.kit.database import pools
from pictor.kit.redis.client import send_async
from pictor.kit.words import clock
from storage import backends
from storage.services import upload
from tests.making.factories import make_delivery, stored_images

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("pooled_connections")]

SOON = 5.0


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """A clock that stands still, so that urls signed twice are equal."""
    moment = clock.now()
    monkeypatch.setattr(clock, "now", lambda: moment)
    return moment


@pytest.fixture
def succeeded(claim: Claim, spools: Spools, now: datetime) -> Finished:
    """A generation with two images on storage, as its worker sees it."""
    backends.ensure_bucket()
    delivery = make_delivery(claim, spools, sizes=((1024, 1024), (512, 512)))
    rows = stored_images(claim, delivery)
    for row, image in zip(rows, delivery.images, strict=True):
        image.spool.write(b"picture")
        row.size_bytes = image.spool.size
        upload(row.object_key, image.spool, content_type="image/png")
    assert settle_and_tell(claim=claim, delivery=delivery, stored=rows, now=now)
    return Finished(claim.generation, tuple(rows))


@pytest.fixture
def failed(claim: Claim, now: datetime) -> Finished:
    assert settlement.fail(claim=claim, failure=Failure(BROKEN), now=now)
    return Finished(claim.generation)


async def read(finished: Finished) -> Finished:
    (found,) = await pools.views(finished_among, [finished.generation.id])
    return found


def carried(finished: Finished) -> Finished:
    (found,) = read_wakeup(json.dumps([answer_json(finished)])).finished
    return found


async def answers(hub: Hub, finished: Finished) -> list[Any]:
    """By url, as base64 and as events: status, headers and body, without their order."""
    found: list[Any] = []
    for response_format in ("url", "b64_json"):
        finished.generation.response_format = response_format
        answer: Any = await render.answer(finished, is_replay=False)
        pieces = [one async for one in answer.streaming_content] if answer.streaming else []
        body = json.loads(b"".join(pieces) or answer.content)
        found.append((answer.status_code, dict(answer.headers), body))
    stream: Any = streaming.streamed(
        hub.ticket(), finished, task=Task.GENERATE, seconds=1, headers={}
    )
    text = b"".join([one async for one in stream.streaming_content]).decode()
    found += [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    return found


@pytest.fixture(params=["succeeded", "failed"])
def finished(request: Any) -> Finished:
    found: Finished = request.getfixturevalue(request.param)
    return found


async def test_every_answer_is_that_of_the_row(finished, monkeypatch):
    monkeypatch.setattr("secrets.token_hex", lambda _: "m" * 32)

    by_row = await answers(Hub(), await read(finished))

    assert await answers(Hub(), carried(finished)) == by_row
    assert (by_row[0][0], len(by_row)) == ((200, 4) if finished.images else (502, 3))


async def test_each_finished_image_of_a_stream_has_its_seed(succeeded):
    succeeded.generation.answer["metadata"]["seeds"] = [7, None]

    seeded, unknown = (await answers(Hub(), succeeded))[2:]

    origin = {"content_credentials": [{"status": "none", "marked": False}]}
    assert seeded["metadata"] == {"seeds": [7], **origin}
    assert unknown["metadata"] == origin


async def test_what_became_of_credentials_is_unknown_from_a_worker_of_the_release_before(succeeded):
    del succeeded.generation.answer["metadata"]["content_credentials"]

    (_, _, by_url), (_, _, by_bytes), *events = await answers(Hub(), succeeded)

    unknown = {"status": "unknown", "marked": False}
    assert by_url["metadata"]["content_credentials"] == [unknown] * 2
    assert by_bytes["metadata"]["content_credentials"] == [unknown] * 2
    assert [one["metadata"] for one in events] == [{"content_credentials": [unknown]}] * 2


async def test_a_field_that_a_wake_up_does_not_carry_is_not_invented(succeeded):
    with pytest.raises(SynchronousOnlyOperation):
        _ = carried(succeeded).generation.prompt


async def test_a_waiting_caller_has_the_answer_without_a_read(succeeded, monkeypatch):
    monkeypatch.setattr(waiting, "finished_among", lambda _ids: [])
    hub = Hub()
    ticket = hub.ticket()
    ticket.watch(succeeded.generation.id)

    with closing(ticket), redis.Redis.from_url(settings.REDIS_URL) as client:
        before = client.pubsub_numsub(notify.FINISHED)  # the stack's own
        await hub.start()
        while client.pubsub_numsub(notify.FINISHED) == before:
            await asyncio.sleep(0.01)
        await send_async(notify.wake_command([succeeded]))
        finished = await ticket.wait(SOON)
        await hub.stop()

    assert finished is not None
    assert [image.object_key for image in finished.images] == [
        image.object_key for image in succeeded.images
    ]


async def test_a_long_or_worded_answer_is_read_by_the_waiting_process(
    succeeded,
):
    wake_ups = [notify.wake_command([succeeded])]
    succeeded.images[1].revised_prompt = "a fox, revised"
    wake_ups.append(notify.wake_command([succeeded]))
    succeeded.images[1].revised_prompt = ""
    succeeded.generation.answer["metadata"]["ignored"] = ["a field"] * 1000
    wake_ups.append(notify.wake_command([succeeded]))

    said = [json.loads(str(wake_up.words[2])) for wake_up in wake_ups]
    assert [type(one[0]) for one in said] == [dict, str, str]
    assert said[1:] == [[str(succeeded.generation.id)]] * 2


async def test_the_worker_has_what_the_row_says(succeeded):
    row = await pools.views(Generation.objects.get, id=succeeded.generation.id)
    changed = ("state", "finished_at", "captured_micros", "quality_billed", "channel_id", "answer")

    assert [getattr(row, name) for name in changed] == [
        getattr(succeeded.generation, name) for name in changed
    ]
