"""Gemini over real HTTP."""

import base64
import json
import os

import pytest

from generation.channels.base import Job, UpstreamRequest
from generation.channels.errors import UpstreamError
from generation.channels.registry import open_adapter
from tests.fakes.gemini_models import GeminiModels
from tests.fakes.raw_server import says
from tests.generation.channels.conftest import API_KEY, config_for, large_value
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


async def test_each_picture_is_an_order_of_its_own(gemini, upstream, pixel):
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 1120}
    content = {"content": {"parts": [part(pixel)]}}
    upstream.script = tells({"candidates": [content], "usageMetadata": usage})

    answer = await gemini.generate(UpstreamRequest("gemini-3-pro-image", "a fox", n=3))

    assert (len(answer.images), len(upstream.received)) == (3, 3)
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (27, 3360)


async def test_a_reference_image_is_streamed_into_the_body(gemini, upstream, pixel):
    upstream.script = tells({"candidates": [{"content": {"parts": [part(pixel)]}}]})
    reference = os.urandom(700_000)

    await gemini.generate(
        UpstreamRequest(
            "gemini-3-pro-image",
            "a fox",
            fields={"image": "input:0"},
            large={"input:0": large_value(reference)},
        )
    )

    [request] = upstream.received
    sent = json.loads(request.body)["contents"][0]["parts"][1]["inlineData"]["data"]
    assert base64.b64decode(sent) == reference


async def test_a_cut_answer_may_have_been_paid_for(gemini, upstream):
    upstream.script = says(b'{"candidates": [{"content": {"parts": [{"inlineData": {"data": "iVB')

    with pytest.raises(UpstreamError) as raised:
        await gemini.generate(FOX)

    assert (raised.value.attempt_class, len(upstream.received)) == ("unknown", 1)


async def test_none_of_its_orders_is_followed(gemini):
    with pytest.raises(UpstreamError) as raised:
        await gemini.resume([Job("1", "/look")], FOX, timeout_seconds=1)

    assert raised.value.attempt_class == "unknown"
