"""Streams that end badly: possible cost, kept images, and the caller's error."""

import base64
import os

import pytest

from generation.channels.errors import AttemptClass
from generation.channels.openai import reader
from generation.channels.registry import open_adapter
from pictor.kit.bytes.spool import SpoolBudget, Spools
from tests.generation.channels.conftest import config_for
from tests.generation.channels.streaming import (
    COMPLETED,
    cut_off,
    event,
    failure_of,
    fox,
    partial,
    streams,
)

pytestmark = pytest.mark.anyio


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


@pytest.mark.parametrize(
    ("reason", "attempt_class"),
    [
        ("content_filter", AttemptClass.MODERATED),
        ("max_output_tokens", AttemptClass.UNKNOWN),
    ],
)
async def test_an_incomplete_response_is_read_by_its_reason(
    channel, upstream, reason, attempt_class
):
    response = {"status": "incomplete", "incomplete_details": {"reason": reason}, "output": []}
    upstream.script = streams(event("response.incomplete", response=response))

    error = await failure_of(channel, fox())

    assert error.attempt_class is attempt_class


async def test_a_complaint_is_not_forgotten_for_the_usage_that_follows_it(channel, upstream):
    upstream.script = streams(
        b'data: {"choices":[{"delta":{},"finish_reason":"content_filter"}]}\n\n',
        b'data: {"choices":[],"usage":{"total_tokens":7}}\n\n',
    )

    error = await failure_of(channel, fox())

    assert error.attempt_class is AttemptClass.MODERATED


async def test_words_in_place_of_an_image_are_read_in_a_stream_too(channel, upstream):
    content = [{"type": "output_text", "text": "It was judged unsafe."}]
    response = {"status": "completed", "output": [{"type": "message", "content": content}]}
    upstream.script = streams(event("response.completed", response=response))

    error = await failure_of(channel, fox())

    assert error.attempt_class is AttemptClass.MODERATED


async def test_a_completed_event_counts_though_its_connection_was_cut(channel, upstream):
    upstream.script = cut_off(event(COMPLETED, b"whole").rstrip())

    answer = await channel.generate(fox())

    assert answer.images[0].spool.read_at(0, 5) == b"whole"


async def test_pictures_of_the_responses_api_are_taken_once_and_previews_never(channel, upstream):
    item = {"type": "image_generation_call", "result": base64.b64encode(b"p" * 90).decode()}
    upstream.script = streams(
        event("response.image_generation_call.partial_image", b"preview"),
        event("response.output_item.done", item=item),
        event("response.completed", response={"output": [item]}),
    )

    answer = await channel.generate(fox(n=2))

    assert [image.spool.read_at(0, 90) for image in answer.images] == [b"p" * 90]


async def test_an_error_is_one_whatever_the_event_is_called(channel, upstream):
    upstream.script = streams(b'data: {"error":{"code":"moderation_blocked"}}\n\n')

    error = await failure_of(channel, fox())

    assert error.attempt_class is AttemptClass.MODERATED


async def test_images_that_came_before_an_error_are_delivered(channel, upstream):
    upstream.script = streams(event(COMPLETED, b"one"), event("error", error={"message": "no"}))

    answer = await channel.generate(fox(n=2))

    assert len(answer.images) == 1


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
    spools.close()
    assert spools.budget.used_bytes == 0


async def test_a_finished_image_without_room_is_never_asked_for_again(upstream, pool, tmp_path):
    spools = Spools(tmp_path, SpoolBudget(1_000_000))
    upstream.script = streams(event(COMPLETED, os.urandom(1_500_000)))

    error = await failure_of(open_adapter(config_for(upstream.url), pool, spools), fox())

    assert (error.attempt_class, error.is_ours) == (AttemptClass.STORAGE_FAILED, True)
    assert spools.budget.used_bytes == 0
