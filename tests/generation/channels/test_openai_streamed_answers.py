"""Streamed answers through the adapter, from a real HTTP server."""

import asyncio
import io
import json
import os

import pytest
from PIL import Image, PngImagePlugin

from generation.channels.base import TokenUsage, UpstreamImage, UpstreamPartial
from generation.channels.registry import open_adapter
from generation.dispatch.pixels import WantedImage, verify_image
from tests.fakes.raw_server import Received, says
from tests.generation.channels.conftest import config_for
from tests.generation.channels.streaming import (
    COMPLETED,
    HEAD,
    PARTIAL,
    SECONDS,
    USAGE,
    event,
    fox,
    partial,
    streams,
)

pytestmark = pytest.mark.anyio


async def test_partial_images_are_handed_on_and_the_finished_one_is_the_answer(
    channel, upstream, collector
):
    upstream.script = streams(
        b": hello\n\n",
        partial(b"first", 0, quality="low"),
        partial(b"second", 1),
        event(
            COMPLETED,
            b"finished",
            size="1024x1536",
            quality="low",
            output_format="png",
            background="opaque",
            revised_prompt="a red fox",
            usage=USAGE,
        ),
    )

    answer = await channel.generate(fox(), on_partial=collector)

    (image,) = answer.images
    assert image.spool.read_at(0, 100) == b"finished"
    assert image.revised_prompt == "a red fox"
    assert collector.contents() == [b"first", b"second"]
    assert collector.places == [(0, 0), (0, 1)]
    assert [one.quality for one in collector.partials] == ["low", None]
    assert (answer.size, answer.quality, answer.output_format, answer.background) == (
        "1024x1536",
        "low",
        "png",
        "opaque",
    )
    assert answer.usage == TokenUsage(5, 100, 105)
    assert (answer.request_id, answer.http_status, answer.is_streamed) == ("req_1", 200, True)


async def test_images_of_a_stream_are_stripped_like_others(channel, upstream, spools, collector):
    said = PngImagePlugin.PngInfo()
    said.add_text("prompt", "a secret of the vendor")
    dirty = io.BytesIO()
    Image.new("RGB", (64, 48)).save(dirty, "PNG", pnginfo=said)
    upstream.script = streams(partial(dirty.getvalue(), 0), event(COMPLETED, dirty.getvalue()))

    answer = await channel.generate(fox(), on_partial=collector)

    early = UpstreamImage(collector.partials[0].spool)
    good = [
        verify_image(image, wanted=WantedImage("png"), spools=spools)
        for image in (early, answer.images[0])
    ]
    assert None not in good
    assert [b"secret" in one.spool.read_at(0, 10_000) for one in good if one] == [False, False]


async def test_a_stream_is_asked_for_only_with_partial_images(channel, upstream):
    upstream.script = streams(event(COMPLETED, b"finished"))
    await channel.generate(fox(partial_images=3))
    upstream.script = says(b'{"data": [{"b64_json": "AAAA"}]}')
    await channel.generate(fox(partial_images=0))

    streamed, plain = upstream.received
    assert json.loads(streamed.body) == {
        "model": "gpt-image-2",
        "prompt": "a fox",
        "n": 1,
        "stream": True,
        "partial_images": 3,
    }
    assert streamed.headers["accept"] == "text/event-stream, application/json"
    assert json.loads(plain.body) == {"model": "gpt-image-2", "prompt": "a fox", "n": 1}
    assert plain.headers["accept"] == "application/json"


async def test_dall_e_models_are_never_asked_for_a_stream(upstream, pool, spools):
    upstream.script = says(b'{"data": [{"b64_json": "AAAA"}]}')
    config = config_for(upstream.url, upstream_models={"gpt-image-2": "dall-e-3"})

    answer = await open_adapter(config, pool, spools).generate(fox())

    (request,) = upstream.received
    assert json.loads(request.body).keys() == {"model", "prompt", "n", "response_format"}
    assert not answer.is_streamed


async def test_an_upstream_that_answers_json_all_the_same_is_read_as_ever(
    channel, upstream, answers, collector
):
    upstream.script = answers(
        {"data": [{"b64_json": "UElYRUw="}], "usage": USAGE}, content_type="application/json"
    )

    answer = await channel.generate(fox(), on_partial=collector)

    assert answer.images[0].spool.read_at(0, 9) == b"PIXEL"
    assert (answer.usage, answer.is_streamed) == (TokenUsage(5, 100, 105), False)
    assert collector.partials == []


async def test_several_images_keep_their_order_and_their_usage_adds_up(
    channel, upstream, collector
):
    counted = {**USAGE, "input_tokens_details": {"text_tokens": 4, "image_tokens": 1}}
    upstream.script = streams(
        partial(b"a0", 0),
        event(COMPLETED, b"a", usage=counted, size="1x1"),
        partial(b"b0", 0),
        partial(b"b1", 1),
        event(COMPLETED, b"b", usage=USAGE, size="2x2"),
    )

    answer = await channel.generate(fox(n=2), on_partial=collector)

    assert [image.spool.read_at(0, 9) for image in answer.images] == [b"a", b"b"]
    assert collector.places == [(0, 0), (1, 0), (1, 1)]
    assert answer.usage == TokenUsage(10, 200, 210, 4, 1)
    assert answer.size == "1x1"


async def test_edits_have_events_of_their_own_name(channel, upstream, collector):
    upstream.script = streams(
        event("image_edit.partial_image", b"p", partial_image_index=0),
        event("image_edit.completed", b"whole"),
    )

    answer = await channel.generate(fox(), on_partial=collector)

    assert answer.images[0].spool.read_at(0, 9) == b"whole"
    assert collector.contents() == [b"p"]


async def test_more_than_was_asked_for_is_dropped_and_so_is_what_cannot_be_read(
    channel, upstream, collector
):
    upstream.script = streams(
        partial(b"good", 0),
        partial(b"again", 0),
        partial(b"third", 2),
        partial(b"minus", -1),
        event(PARTIAL, b"no index"),
        event(PARTIAL, partial_image_index=1, b64_json="not base64!"),
        event("image_generation.unheard_of", b"x"),
        event(COMPLETED, b"whole"),
    )

    answer = await channel.generate(fox(), on_partial=collector)

    assert collector.contents() == [b"good"]
    assert len(answer.images) == 1


async def test_partial_images_nobody_wants_are_freed(channel, upstream, spools):
    upstream.script = streams(partial(os.urandom(600_000), 0), event(COMPLETED, b"whole"))

    await channel.generate(fox())

    assert spools.budget.used_bytes == 0


async def test_a_partial_image_comes_while_the_upstream_still_works(channel, upstream, collector):
    goes_on = asyncio.Event()

    async def script(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Connection: close\r\n\r\n" + partial(b"early", 0))
        await goes_on.wait()
        writer.write(event(COMPLETED, b"whole"))
        await writer.drain()
        writer.close()

    async def on_partial(one: UpstreamPartial) -> None:
        await collector(one)
        goes_on.set()

    upstream.script = script

    await channel.generate(fox(), timeout_seconds=SECONDS, on_partial=on_partial)

    assert collector.contents() == [b"early"]


@pytest.mark.parametrize("last", [b"", b"data: [DONE]\n\n"])
async def test_an_upstream_that_never_ends_its_stream_is_not_waited_for(channel, upstream, last):
    async def script(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Connection: close\r\n\r\n" + event(COMPLETED, b"whole") + last)
        await asyncio.Event().wait()

    upstream.script = script

    answer = await channel.generate(fox(n=2 if last else 1), timeout_seconds=SECONDS)

    assert len(answer.images) == 1


async def test_fewer_images_and_a_proper_end_are_delivered(channel, upstream):
    upstream.script = streams(event(COMPLETED, b"only one"))

    answer = await channel.generate(fox(n=3))

    assert len(answer.images) == 1
