"""Streamed answers through the adapter, from a real HTTP server."""

import asyncio
import base64
import json
import os
from typing import Any

import pytest

from generation.channels.base import UpstreamPartial, UpstreamRequest, Usage
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.openai import reader
from generation.channels.registry import open_adapter
from pictor.kit.spool import SpoolBudget, Spools
from tests.generation.channels.conftest import config_for
from tests.raw_server import Received, Script, says, sends

pytestmark = pytest.mark.anyio

SECONDS = 5.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
PARTIAL, COMPLETED = "image_generation.partial_image", "image_generation.completed"
USAGE = {"input_tokens": 5, "output_tokens": 100, "total_tokens": 105}


def fox(n: int = 1, partial_images: int = 2, model: str = "gpt-image-2") -> UpstreamRequest:
    return UpstreamRequest(model=model, prompt="a fox", n=n, partial_images=partial_images)


def event(kind: str, image: bytes | None = None, **fields: Any) -> bytes:
    if image is not None:
        fields["b64_json"] = base64.b64encode(image).decode()
    data = json.dumps({"type": kind, **fields})
    return f"event: {kind}\ndata: {data}\n\n".encode()


def partial(image: bytes, index: int, **fields: Any) -> bytes:
    return event(PARTIAL, image, partial_image_index=index, **fields)


def streams(*events: bytes, request_id: str = "req_1") -> Script:
    """The events, then a proper end."""
    headers = {"Content-Type": "text/event-stream", "X-Request-Id": request_id}
    return says(b"".join(events), headers=headers)


def cut_off(*events: bytes, then_reset: bool = False) -> Script:
    """The events, then the connection is closed in the middle of the body."""
    head = HEAD + b"Content-Length: 90000000\r\n\r\n"
    return sends(head + b"".join(events), then_reset=then_reset)


class Collector:
    """Takes partial images as the dispatcher does."""

    def __init__(self) -> None:
        self.partials: list[UpstreamPartial] = []

    async def __call__(self, one: UpstreamPartial) -> None:
        self.partials.append(one)

    @property
    def places(self) -> list[tuple[int, int]]:
        return [(one.image, one.index) for one in self.partials]

    def contents(self) -> list[bytes]:
        return [one.spool.read_at(0, one.spool.size) for one in self.partials]

    def close(self) -> None:
        for one in self.partials:
            one.spool.close()


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.close()


async def failure_of(channel: Any, request: UpstreamRequest, **options: Any) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await channel.generate(request, timeout_seconds=SECONDS, **options)
    return raised.value


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
    assert answer.usage == Usage(5, 100, 105)
    assert (answer.request_id, answer.http_status, answer.is_streamed) == ("req_1", 200, True)
    answer.close()


async def test_a_stream_is_asked_for_only_with_partial_images(channel, upstream):
    upstream.script = streams(event(COMPLETED, b"finished"))
    (await channel.generate(fox(partial_images=3))).close()
    upstream.script = says(b'{"data": [{"b64_json": "AAAA"}]}')
    (await channel.generate(fox(partial_images=0))).close()

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
    answer.close()


async def test_an_upstream_that_answers_json_all_the_same_is_read_as_ever(
    channel, upstream, answers, collector
):
    upstream.script = answers(
        {"data": [{"b64_json": "UElYRUw="}], "usage": USAGE}, content_type="application/json"
    )

    answer = await channel.generate(fox(), on_partial=collector)

    assert answer.images[0].spool.read_at(0, 9) == b"PIXEL"
    assert (answer.usage, answer.is_streamed) == (Usage(5, 100, 105), False)
    assert collector.partials == []
    answer.close()


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
    assert answer.usage == Usage(10, 200, 210, 4, 1)
    assert answer.size == "1x1"
    answer.close()


async def test_edits_have_events_of_their_own_name(channel, upstream, collector):
    upstream.script = streams(
        event("image_edit.partial_image", b"p", partial_image_index=0),
        event("image_edit.completed", b"whole"),
    )

    answer = await channel.generate(fox(), on_partial=collector)

    assert answer.images[0].spool.read_at(0, 9) == b"whole"
    assert collector.contents() == [b"p"]
    answer.close()


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
    answer.close()


async def test_partial_images_nobody_wants_are_freed(channel, upstream, spools):
    upstream.script = streams(partial(os.urandom(600_000), 0), event(COMPLETED, b"whole"))

    answer = await channel.generate(fox())

    assert spools.budget.used_bytes == 0
    answer.close()


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

    answer = await channel.generate(fox(), timeout_seconds=SECONDS, on_partial=on_partial)

    assert collector.contents() == [b"early"]
    answer.close()


@pytest.mark.parametrize("last", [b"", b"data: [DONE]\n\n"])
async def test_an_upstream_that_never_ends_its_stream_is_not_waited_for(channel, upstream, last):
    async def script(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Connection: close\r\n\r\n" + event(COMPLETED, b"whole") + last)
        await asyncio.Event().wait()

    upstream.script = script

    answer = await channel.generate(fox(n=2 if last else 1), timeout_seconds=SECONDS)

    assert len(answer.images) == 1
    answer.close()


async def test_fewer_images_and_a_proper_end_are_delivered(channel, upstream):
    upstream.script = streams(event(COMPLETED, b"only one"))

    answer = await channel.generate(fox(n=3))

    assert len(answer.images) == 1
    answer.close()


@pytest.mark.parametrize(
    "script",
    [
        cut_off(partial(b"first", 0)),
        cut_off(partial(b"first", 0), then_reset=True),
        cut_off(event(COMPLETED, b"one of two")),
        cut_off(event(COMPLETED, b"one"), event(COMPLETED, b"two")[:-30]),
        cut_off(),
        streams(partial(b"first", 0), partial(b"second", 1)),
        streams(event(COMPLETED, b"one")[:-10]),
        streams(b"data: no json\n\n"),
    ],
)
async def test_an_answer_cut_short_may_have_been_billed_and_is_never_asked_again(
    channel, upstream, script, spools
):
    upstream.script = script

    error = await failure_of(channel, fox(n=2))

    assert error.attempt_class is AttemptClass.UNKNOWN
    assert error.may_have_billed
    assert spools.budget.used_bytes == 0
    assert len(upstream.received) == 1


@pytest.mark.parametrize(
    "events", [b"", b": nothing\n\n", b"data: [DONE]\n\n", event("image_generation.other")]
)
async def test_a_stream_that_ends_without_an_image_is_an_empty_answer(channel, upstream, events):
    upstream.script = streams(events)

    error = await failure_of(channel, fox())

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.BAD_RESULT, True)


async def test_a_completed_event_without_a_readable_image_is_a_bad_result(channel, upstream):
    upstream.script = streams(event(COMPLETED, b64_json="not base64!"))

    error = await failure_of(channel, fox())

    assert error.attempt_class is AttemptClass.BAD_RESULT


@pytest.mark.parametrize(
    ("document", "attempt_class"),
    [
        ({"error": {"code": "moderation_blocked", "message": "no"}}, AttemptClass.MODERATED),
        ({"error": {"code": "rate_limit_exceeded", "message": "no"}}, AttemptClass.REFUSED),
        ({"error": {"type": "invalid_request_error", "message": "no"}}, AttemptClass.REJECTED),
        ({"error": {"code": 500, "message": "no"}}, AttemptClass.UNKNOWN),
        ({"error": "it broke"}, AttemptClass.UNKNOWN),
        ({"code": "moderation_blocked", "message": "no"}, AttemptClass.MODERATED),
        ({"message": "it broke"}, AttemptClass.UNKNOWN),
    ],
)
async def test_an_error_event_is_classed_as_an_error_in_an_answer(
    channel, upstream, document, attempt_class
):
    upstream.script = streams(event("error", **document))

    error = await failure_of(channel, fox())

    assert error.attempt_class is attempt_class
    assert (error.request_id, error.http_status) == ("req_1", 200)


@pytest.mark.parametrize(
    ("code", "attempt_class"),
    [
        ("rate_limit_exceeded", AttemptClass.UNKNOWN),
        ("insufficient_quota", AttemptClass.UNKNOWN),
        ("moderation_blocked", AttemptClass.MODERATED),
    ],
)
async def test_an_error_after_a_partial_image_may_be_paid_and_is_never_resent(
    channel, upstream, code, attempt_class
):
    upstream.script = streams(partial(b"first", 0), event("error", error={"code": code}))

    error = await failure_of(channel, fox())

    assert (error.attempt_class, error.may_have_billed) == (attempt_class, True)


async def test_an_error_is_one_whatever_the_event_is_called(channel, upstream):
    upstream.script = streams(b'data: {"error":{"code":"moderation_blocked"}}\n\n')

    error = await failure_of(channel, fox())

    assert error.attempt_class is AttemptClass.MODERATED


async def test_images_that_came_before_an_error_are_delivered(channel, upstream):
    upstream.script = streams(event(COMPLETED, b"one"), event("error", error={"message": "no"}))

    answer = await channel.generate(fox(n=2))

    assert len(answer.images) == 1
    answer.close()


async def test_a_refusal_before_the_stream_is_read_by_its_status(channel, upstream, answers):
    upstream.script = answers({"error": {"message": "slow down"}}, status=429, retry_after="7")

    error = await failure_of(channel, fox())

    assert (error.attempt_class, error.retry_after_seconds) == (AttemptClass.REFUSED, 7.0)


async def test_the_whole_stream_has_a_byte_cap_that_partial_images_count_toward(
    channel, upstream, monkeypatch
):
    monkeypatch.setattr(reader, "MAX_ANSWER_BYTES_PER_IMAGE", 1000)
    upstream.script = streams(*[partial(b"p" * 600, 0)] * 7, event(COMPLETED, b"whole"))

    error = await failure_of(channel, fox())

    assert error.attempt_class is AttemptClass.UNKNOWN
    assert "BodyTooLarge" in error.detail


async def test_a_partial_image_without_room_is_lost_and_the_finished_one_comes(
    upstream, pool, tmp_path, collector
):
    spools = Spools(tmp_path, SpoolBudget(1_000_000))
    upstream.script = streams(partial(os.urandom(1_500_000), 0), event(COMPLETED, b"x" * 900_000))

    channel = open_adapter(config_for(upstream.url), pool, spools)
    answer = await channel.generate(fox(), on_partial=collector)

    assert collector.partials == []
    assert answer.images[0].spool.size == 900_000
    answer.close()
    assert spools.budget.used_bytes == 0


async def test_a_finished_image_without_room_is_never_asked_for_again(upstream, pool, tmp_path):
    spools = Spools(tmp_path, SpoolBudget(1_000_000))
    upstream.script = streams(event(COMPLETED, os.urandom(1_500_000)))

    error = await failure_of(open_adapter(config_for(upstream.url), pool, spools), fox())

    assert (error.attempt_class, error.is_ours) == (AttemptClass.STORAGE_FAILED, True)
    assert spools.budget.used_bytes == 0
