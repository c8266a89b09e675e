"""Gemini over real HTTP."""

import base64
import os

import pytest

from generation.channels.base import Job, UpstreamRequest
from generation.channels.errors import UpstreamError
from generation.channels.registry import open_adapter
from tests.fakes.gemini_models import GeminiModels
from tests.generation.channels.conftest import API_KEY, config_for
from tests.generation.channels.printing import tells

pytestmark = pytest.mark.anyio

FOX = UpstreamRequest(model="gemini-3-pro-image", prompt="a fox", size="1024x1024")


@pytest.fixture
def gemini(upstream, pool, spools):
    return open_adapter(config_for(upstream.url, kind="gemini"), pool, spools)


def part(data: bytes, **more: object) -> dict[str, object]:
    return {
        "inlineData": {"mimeType": "image/png", "data": base64.b64encode(data).decode()},
        **more,
    }


async def test_the_final_picture_comes_after_drafts_and_a_long_signature(gemini, upstream, spools):
    draft, final = os.urandom(1_500_000), os.urandom(1_600_000)
    parts = [part(draft, thought=True, thoughtSignature="A" * 50_000), part(draft, thought=True)]
    last = [part(final, thoughtSignature="B" * 50_000)]
    upstream.script = tells({"candidates": [{"content": {"parts": parts + last}}]})

    answer = await gemini.generate(FOX)

    [image] = answer.images
    assert b"".join(image.spool.chunks()) == final
    assert spools.budget.used_bytes == 1_600_000
    assert upstream.received[0].headers["x-goog-api-key"] == API_KEY


async def test_a_picture_that_comes_twice_after_three_drafts_is_found(gemini, upstream):
    draft, final = os.urandom(20_000), os.urandom(30_000)
    upstream.script = GeminiModels(final, drafts=(draft,) * 3).made()

    answer = await gemini.generate(FOX)

    [image] = answer.images
    assert b"".join(image.spool.chunks()) == final


async def test_none_of_its_orders_is_followed(gemini):
    with pytest.raises(UpstreamError) as raised:
        await gemini.resume([Job("1", "/look")], FOX, timeout_seconds=1)

    assert raised.value.attempt_class == "unknown"
