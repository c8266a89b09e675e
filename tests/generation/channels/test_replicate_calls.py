"""Replicate's API over real HTTP."""

import os

import pytest

from generation.channels.base import Job, UpstreamRequest
from generation.channels.declaration import Task
from generation.channels.registry import open_adapter
from tests.fakes.raw_server import says
from tests.fakes.replicate_api import LOOK, MODEL, ORDER, PICTURE, UPLOAD, ReplicateApi
from tests.generation.channels.conftest import API_KEY, PIXEL, config_for, large_value
from tests.generation.channels.printing import pictures_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick")]

FOX = UpstreamRequest(model=MODEL, prompt="a fox", size="1024x1024")
EDIT = UpstreamRequest(MODEL, "a fox", task=Task.EDIT, images=(large_value(os.urandom(700_000)),))


@pytest.fixture
def shop(upstream):
    upstream.script = made = ReplicateApi(upstream.url, PIXEL)
    return made


@pytest.fixture
def replicate(upstream, pool, spools):
    return open_adapter(config_for(upstream.url, kind="replicate"), pool, spools)


async def test_an_order_is_followed_to_its_picture(replicate, shop, upstream):
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


async def test_an_order_is_told_the_time_that_is_left_when_it_is_sent(replicate, shop, upstream):
    busy = says(b"busy", status=503, headers={"retry-after": "1"})
    shop.scripts[UPLOAD] = [busy, shop.usual(UPLOAD)]

    await replicate.generate(EDIT, timeout_seconds=60)

    order = next(each for each in upstream.received if each.target.endswith("/predictions"))
    assert 20 <= int(order.headers["cancel-after"].removesuffix("s")) < 50
