"""Partial images beside a call, on the real S3 server and broker, whole and broken."""

import io
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings as project
from PIL import Image

import sandbox
from generation.channels.base import UpstreamPartial
from generation.channels.size_rules import Size
from generation.dispatch import partials
from generation.dispatch.partials import Partials
from generation.dispatch.pixels import WantedImage
from generation.lifecycle import partial_news
from generation.lifecycle.claims import Claim
from generation.models import Generation
from pictor.kit.bytes.spool import SpoolClosed, Spools
from pictor.kit.database import pools
from pictor.kit.redis import client as redis_client
from pictor.kit.words import clock
from storage import backends, probe
from storage.containers.pieces import Format
from storage.services import open_stream
from tests.fakes.raw_server import hangs, running
from tests.fakes.recorder import drawn
from tests.making.odd_pictures import photo, with_tail

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("pooled_connections")]

PNG = WantedImage("png")
SIGNED = Path(sandbox.__file__).with_name("signed.png").read_bytes()
NAMES: dict[str, Format] = {"PNG": "png", "JPEG": "jpeg", "WEBP": "webp"}
NOBODY = "127.0.0.1:1"
Make = Callable[..., UpstreamPartial]


@pytest.fixture
def streamed(claim: Claim) -> Claim:
    """A claim of a generation whose caller wants partial images."""
    claim.generation.partial_images = 3
    backends.ensure_bucket()
    return claim


@pytest.fixture
def announced() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return the announcements made since the test began."""
    with redis.Redis.from_url(project.REDIS_URL) as client, client.pubsub() as subscription:
        subscription.subscribe(partial_news.PARTIALS)
        assert subscription.get_message(timeout=5) is not None

        def heard() -> list[dict[str, Any]]:
            messages = iter(lambda: subscription.get_message(timeout=0.2), None)
            return [json.loads(message["data"]) for message in messages]

        yield heard


@pytest.fixture
def make(spools: Spools) -> Make:
    """Make a partial image: 64x48 red pixels unless content is given."""

    def partial(index: int = 0, image: int = 0, content: bytes | None = None) -> UpstreamPartial:
        if content is None:
            file = io.BytesIO()
            Image.new("RGB", (64, 48), "red").save(file, "PNG")
            content = file.getvalue()
        spool = spools.new(max_bytes=1_000_000)
        spool.write(content)
        return UpstreamPartial(spool, image, index, "low")

    return partial


@pytest.fixture
def storage_at(settings: Any) -> Callable[[str], None]:
    """Point storage elsewhere for the rest of the test."""

    def point(host_port: str) -> None:
        default = settings.STORAGES["default"]
        options = {**default["OPTIONS"], "endpoint_url": f"http://{host_port}"}
        settings.STORAGES = {**settings.STORAGES, "default": {**default, "OPTIONS": options}}

    return point


Send = Callable[..., Awaitable[None]]


@pytest.fixture
def send(streamed: Claim, spools: Spools) -> Send:
    """Make a call that brings these partial images; it ends with `failure`, if given.

    Other names are columns of the generation.
    """
    dispatch = Partials(streamed, spools)

    async def call(
        *partials: UpstreamPartial,
        wanted: WantedImage = PNG,
        failure: Exception | None = None,
        **columns: object,
    ) -> None:
        vars(streamed.generation).update(columns)
        async with dispatch.sending(wanted) as on_partial:
            for partial in partials:
                await on_partial(partial)
            if failure is not None:
                raise failure

    return call


async def test_a_gone_caller_gets_no_partial_images_and_its_successor_gets_the_rest(
    send, make, announced, streamed
):
    row = Generation.objects.filter(id=streamed.generation.id)
    await pools.database(lambda: row.update(orphaned_at=clock.now()))
    await send(make(0), make(1))
    to_nobody = announced()

    await pools.database(lambda: row.update(orphaned_at=None))
    await send(make(1), make(2))

    assert to_nobody == []
    assert sorted(each["index"] for each in announced()) == [1, 2]


def stored(key: str) -> probe.ImageFacts:
    with Image.open(io.BytesIO(b"".join(open_stream(key)))) as image:
        return probe.ImageFacts(NAMES[image.format or ""], *image.size)


async def test_a_partial_image_is_stored_and_announced(streamed, send, announced, make):
    await send(make(index=0), make(index=1))

    first, second = announced()
    generation = streamed.generation
    day = f"{generation.created_at:%Y%m%d}"
    assert first["key"].startswith(f"tmp/{day}/")
    assert [one["key"].rpartition("/")[2] for one in (first, second)] == ["1-0-0.png", "1-0-1.png"]
    assert stored(second["key"]) == probe.ImageFacts("png", 64, 48)
    assert {name: first[name] for name in ("generation_id", "image", "index")} == {
        "generation_id": str(generation.id),
        "image": 0,
        "index": 0,
    }
    assert (first["size"], first["output_format"]) == ("64x48", "png")
    assert (first["quality"], first["background"]) == ("medium", "auto")
    assert abs(first["created"] - time.time()) < 60


@pytest.mark.parametrize(
    ("wanted", "facts"),
    [
        (WantedImage("webp"), probe.ImageFacts("webp", 64, 48)),
        (WantedImage("jpeg", compression=40), probe.ImageFacts("jpeg", 64, 48)),
        (WantedImage("png", made_into=Size(32, 32)), probe.ImageFacts("png", 32, 32)),
    ],
)
async def test_a_partial_image_has_the_final_format_and_size(send, announced, make, wanted, facts):
    await send(make(), wanted=wanted)

    (news,) = announced()
    assert stored(news["key"]) == facts
    assert (news["output_format"], news["size"]) == (facts.format, facts.size)


async def test_a_partial_image_is_marked_and_never_kept_or_signed(send, announced, make):
    wanted = WantedImage("png", mark="trainedAlgorithmicMedia", signs=True)

    await send(make(content=SIGNED), wanted=wanted)

    (sent,) = announced()
    data = b"".join(open_stream(sent["key"]))
    assert (data.count(b"/trainedAlgorithmicMedia"), data.count(b"jumb")) == (1, 0)


async def test_a_partial_image_is_mended_like_a_final_one(send, announced, make):
    await send(make(0, content=with_tail(drawn((64, 48)))), make(1, content=photo("JPEG")))

    padded, turned = [one["key"] for one in announced()]
    assert b"".join(open_stream(padded)) == drawn((64, 48))
    assert stored(turned) == probe.ImageFacts("png", 400, 600)


@pytest.mark.parametrize(
    ("generation", "facts"),
    [
        ({"quality_sent": "", "fields": {"background": "opaque"}}, ("low", "opaque")),
        ({"quality_sent": "hd", "fields": {"background": {"type": "opaque"}}}, ("auto", "auto")),
        ({"quality_sent": "high", "fields": {}}, ("high", "auto")),
    ],
)
async def test_a_partial_image_states_the_final_quality_and_background(
    send, announced, make, generation, facts
):
    await send(make(), **generation)

    (news,) = announced()
    assert (news["quality"], news["background"]) == facts


async def test_each_place_is_filled_once_also_by_a_second_attempt(send, announced, make):
    await send(make(index=0, image=0), make(index=0, image=1))
    await send(make(index=0, image=0), make(index=0, image=1))

    assert [(news["image"], news["index"]) for news in announced()] == [(0, 0), (1, 0)]


async def test_an_undecodable_partial_image_is_dropped_and_the_next_is_sent(
    send, announced, make, caplog
):
    await send(make(index=0, content=b"no image"), make(index=1))

    assert [news["index"] for news in announced()] == [1]
    assert "partial image (0, 0)" in caplog.text


async def test_a_place_whose_image_was_lost_is_filled_by_another_attempt(
    send, announced, make, storage_at
):
    mended = urlsplit(project.S3_ENDPOINT_URL).netloc
    storage_at(NOBODY)
    await send(make(index=0))
    storage_at(mended)

    await send(make(index=0))

    assert [news["index"] for news in announced()] == [0]


async def test_more_than_can_be_made_ready_are_left_out(send, make, storage_at, monkeypatch):
    monkeypatch.setattr(partials, "LONGEST_STALL_SECONDS", 0.1)
    monkeypatch.setattr(partials, "LAST_WAIT_SECONDS", 0.1)
    made = [make(index=index) for index in range(20)]
    async with running(hangs) as server:
        storage_at(server.host_port)

        await send(*made)

    left_out = made[partials.MAX_WAITING + 1 :]
    for one in left_out:
        with pytest.raises(SpoolClosed):
            one.spool.read_at(0, 1)


async def test_storage_that_refuses_costs_the_partial_image_and_nothing_else(
    send, announced, make, storage_at, caplog
):
    storage_at(NOBODY)

    await send(make())

    assert announced() == []
    assert "partial image (0, 0)" in caplog.text


async def test_a_broker_that_is_away_costs_the_partial_image_and_nothing_else(
    send, make, settings, caplog
):
    settings.REDIS_URL = f"redis://{NOBODY}/0"
    redis_client.forget_client()

    await send(make())

    redis_client.forget_client()
    assert "partial image (0, 0)" in caplog.text


async def test_storage_that_hangs_holds_a_finished_image_up_for_moments_only(
    send, make, storage_at, monkeypatch
):
    monkeypatch.setattr(partials, "LAST_WAIT_SECONDS", 0.2)
    async with running(hangs) as server:
        storage_at(server.host_port)
        began = time.monotonic()

        await send(make(index=0), make(index=1))

        seconds = time.monotonic() - began
    assert seconds < 60


async def test_after_one_that_hangs_the_next_is_tried(send, make, storage_at, monkeypatch, caplog):
    monkeypatch.setattr(partials, "ONE_TRY_SECONDS", 0.2)
    async with running(hangs) as server:
        storage_at(server.host_port)

        await send(make(index=0), make(index=1))

    assert caplog.text.count("TimeoutError()") == 2


async def test_a_call_that_fails_gives_up_what_is_not_sent_yet(send, announced, make):
    with pytest.raises(LookupError):
        await send(*map(make, range(3)), failure=LookupError("the upstream failed"))

    assert announced() == []
