"""Partial images reach streaming callers once, in order, and never after the end."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest
import redis
from django.conf import settings

from generation.api import streaming, waiting
from generation.api.waiting import Hub, Ticket
from generation.channels.declaration import Task
from generation.lifecycle import settlement
from generation.lifecycle.partial_news import PARTIALS, PartialImage, announce_command
from generation.models import Generation, State
from generation.selectors import Finished
from pictor.kit.database import pools
from pictor.kit.redis.client import send_async
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from storage import backends
from storage.services import upload
from tests.making.factories import PayingCustomer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("pooled_connections")]

SOON = 5.0


@pytest.fixture
def generation(pooled_connections: None, acme: PayingCustomer) -> Generation:
    return acme.generation()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub without a listener or a poll until it is started."""
    monkeypatch.setattr(waiting, "POLL_SECONDS", 60.0)
    return Hub()


def following(hub: Hub, generation: Generation) -> Ticket:
    ticket = hub.ticket()
    ticket.watch(generation.id)
    ticket.follow()
    return ticket


def partial_of(
    generation: Generation, index: int = 0, image: int = 0, **facts: Any
) -> PartialImage:
    known = {
        "key": "tmp/20261120/none/1-0-0.png",
        "size": "64x48",
        "output_format": "png",
        "quality": "low",
        "background": "auto",
        "created": 1_777_105_463,
    }
    return PartialImage(
        generation_id=str(generation.id), image=image, index=index, **{**known, **facts}
    )


async def end(hub: Hub, generation: Generation) -> None:
    await pools.database(
        settlement.end_without_image,
        generation=generation,
        state=State.CANCELED,
        condition={"id": generation.id},
        error=None,
        now=clock.now(),
    )
    hub.wake([generation.id])


async def news_of(ticket: Ticket) -> list[object]:
    """The places of all partial images received, then `finished`."""
    seen: list[object] = []
    while not isinstance(news := await ticket.news(SOON), Finished):
        assert news is not None
        seen.append((news.image, news.index))
    return [*seen, "finished"]


async def test_partial_images_before_the_caller_follows_are_kept(hub, generation):
    """A worker may be quicker than the thread that has just committed."""
    with closing(hub.ticket()) as ticket:
        ticket.watch(generation.id)
        for index in (0, 1):
            hub.show(partial_of(generation, index).as_json())
        ticket.follow()
        await end(hub, generation)

        assert await news_of(ticket) == [(0, 0), (0, 1), "finished"]


async def finished(hub: Hub, generation: Generation, ticket: Ticket) -> None:
    await end(hub, generation)
    await ticket.wait(SOON)


async def gone(hub: Hub, generation: Generation, ticket: Ticket) -> None:
    ticket.close()


@pytest.mark.parametrize("leaves", [finished, gone])
async def test_nothing_is_kept_for_one_who_never_follows(hub, generation, leaves):
    ticket = hub.ticket()
    ticket.watch(generation.id)
    hub.show(partial_of(generation).as_json())
    kept = dict(hub._early)  # noqa: SLF001 - memory that nobody would see leak

    await leaves(hub, generation, ticket)

    assert list(kept) == [generation.id]
    assert hub._early == {}  # noqa: SLF001 - as above
    ticket.close()


async def test_partial_images_come_in_their_order_before_the_finished_one(hub, generation):
    with closing(following(hub, generation)) as ticket:
        for image, index in ((0, 0), (0, 1), (1, 0)):
            hub.show(partial_of(generation, index, image).as_json())
        await end(hub, generation)

        assert await news_of(ticket) == [(0, 0), (0, 1), (1, 0), "finished"]


async def test_a_partial_image_wakes_its_waiting_caller(hub, generation):
    with closing(following(hub, generation)) as ticket:
        waits = asyncio.create_task(ticket.news(SOON))
        await asyncio.sleep(0)
        hub.show(partial_of(generation).as_json())

        assert await waits == partial_of(generation)


async def test_the_end_wakes_the_waiting_caller(hub, generation):
    with closing(following(hub, generation)) as ticket:
        waits = asyncio.create_task(ticket.news(SOON))
        await end(hub, generation)

        assert isinstance(await waits, Finished)


async def test_nothing_new_is_none_and_waiting_goes_on(hub, generation):
    with closing(following(hub, generation)) as ticket:
        assert await ticket.news(0.02) is None
        hub.show(partial_of(generation).as_json())
        assert await ticket.news(SOON) == partial_of(generation)
        assert await ticket.news(0.02) is None


async def test_a_place_is_filled_once(hub, generation):
    with closing(following(hub, generation)) as ticket:
        for _ in range(3):
            hub.show(partial_of(generation, 1).as_json())
        await end(hub, generation)

        assert await news_of(ticket) == [(0, 1), "finished"]


async def test_no_more_are_collected_than_there_can_be(hub, generation):
    with closing(following(hub, generation)) as ticket:
        for image in range(1000):
            hub.show(partial_of(generation, 0, image).as_json())
        await end(hub, generation)

        assert len(await news_of(ticket)) == 31


async def test_after_the_end_none_is_collected(hub, generation):
    with closing(following(hub, generation)) as ticket:
        await end(hub, generation)
        assert isinstance(await ticket.news(SOON), Finished)
        hub.show(partial_of(generation).as_json())

        assert isinstance(await ticket.news(SOON), Finished)


async def test_only_those_who_follow_the_generation_get_them(hub, generation):
    with closing(hub.ticket()) as plain, closing(following(hub, generation)) as other:
        plain.watch(generation.id)
        other.watch(new_uuid())
        other.follow()
        hub.show(partial_of(generation).as_json())

        assert await other.news(0.02) is None
        with pytest.raises(RuntimeError, match="follows nothing"):
            await plain.news(1)


async def test_a_caller_who_does_not_follow_has_no_previews(hub):
    with closing(hub.ticket()) as ticket:
        assert "_previews" not in vars(ticket)


async def test_a_closed_ticket_leaves_nothing_behind_and_cannot_follow(hub, generation):
    ticket = following(hub, generation)
    ticket.close()

    assert vars(hub)["_followers"] == {}
    with pytest.raises(RuntimeError, match="closed"):
        ticket.follow()


@pytest.mark.parametrize("message", [b"", b"[]", b"7", b"{}", b'{"generation_id": 1}', b"\xff"])
async def test_an_unreadable_announcement_is_skipped(hub, message, caplog):
    hub.show(message)

    assert "cannot be read" in caplog.text


@pytest.mark.parametrize("generation_id", ["", "x", 7, None, []])
async def test_an_announcement_for_no_generation_is_passed_over(
    hub, generation, generation_id, caplog
):
    fields = {**json.loads(partial_of(generation).as_json()), "generation_id": generation_id}

    hub.show(json.dumps(fields))

    assert "cannot be read" in caplog.text


@pytest.fixture
async def listening(hub: Hub) -> AsyncIterator[Hub]:
    """The hub, started and subscribed."""
    before = listeners()
    await hub.start()
    async with asyncio.timeout(SOON):
        while listeners() == before:
            await asyncio.sleep(0.01)
    yield hub
    await hub.stop()


def listeners() -> int:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        ((_, count),) = client.pubsub_numsub(PARTIALS)
    return int(count)


async def test_an_announcement_over_the_broker_is_heard(listening, generation):
    with closing(following(listening, generation)) as ticket:
        assert await send_async(announce_command(partial_of(generation)))

        assert await ticket.news(SOON) == partial_of(generation)


# --- as events --------------------------------------------------------------------------------


async def body_of(hub: Hub, generation: Generation, *shown: PartialImage) -> list[str]:
    """The events of a stream that receives these and then the end."""
    ticket = hub.ticket()
    ticket.watch(generation.id)
    response = streaming.streamed(ticket, None, task=Task.GENERATE, seconds=SOON, headers={})
    for partial in shown:
        hub.show(partial.as_json())
    await end(hub, generation)
    chunks = response.streaming_content
    assert isinstance(chunks, AsyncIterator)
    body = b"".join([chunk async for chunk in chunks])
    return body.decode().split("\n\n")[:-1]


async def test_a_partial_image_is_an_event_with_its_bytes_and_facts(hub, generation, spools):
    backends.ensure_bucket()
    key = f"tmp/20261120/{generation.id}/1-0-1.png"
    with closing(spools.new(max_bytes=100)) as spool:
        spool.write(b"picture")
        upload(key, spool, content_type="image/png")

    comment, event, _error = await body_of(hub, generation, partial_of(generation, 1, key=key))

    name, data = event.split("\n")
    assert comment.startswith(":")
    assert name == "event: image_generation.partial_image"
    assert json.loads(data.removeprefix("data: ")) == {
        "type": "image_generation.partial_image",
        "b64_json": "cGljdHVyZQ==",
        "created_at": 1_777_105_463,
        "size": "64x48",
        "quality": "low",
        "background": "auto",
        "output_format": "png",
        "partial_image_index": 1,
    }


async def test_a_partial_image_that_cannot_be_read_is_left_out(hub, generation, caplog):
    backends.ensure_bucket()

    _comment, error = await body_of(hub, generation, partial_of(generation))

    assert error.startswith("event: error\n")
    assert "could not be read" in caplog.text


async def test_a_stream_that_ends_leaves_nothing_behind(hub, generation):
    await body_of(hub, generation)

    assert vars(hub)["_followers"] == {}
    assert vars(hub)["_waiters"] == {}
