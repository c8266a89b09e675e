import asyncio
import base64
import json
import os
from dataclasses import replace
from typing import Any

import pytest

from generation.channels.base import Adapter, LargeValue, TokenUsage, UpstreamRequest
from generation.channels.base64_stream import AnswerStream
from generation.channels.declaration import Task
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.registry import open_adapter
from pictor.kit.bytes.spool import SpoolBudget, SpoolFile, Spools
from pictor.kit.outbound.http import HttpPool
from tests.fakes import raw_server
from tests.fakes.raw_server import RawServer, Received, Script, running, says, sends
from tests.generation.channels.conftest import API_KEY, config_for, large_value
from tests.generation.channels.printing import Vendor

pytestmark = pytest.mark.anyio

FOX = UpstreamRequest(model="gpt-image-2", prompt="a fox", size="1024x1024", quality="high")


async def test_only_a_few_of_far_too_many_images_are_tried(channel, upstream, answers, monkeypatch):
    """Each try costs time on the loop, and an address costs three calls."""
    image, tried = AnswerStream.image, []

    def counted(self: AnswerStream, text: str | None) -> SpoolFile | None:
        tried.append(text)
        return image(self, text)

    monkeypatch.setattr(AnswerStream, "image", counted)
    upstream.script = answers({"data": ["!"] * 1000})

    error = await failure_of(channel)

    assert error.attempt_class == AttemptClass.BAD_RESULT
    assert 1 <= len(tried) <= 3


async def failure_of(
    channel: Adapter, request: UpstreamRequest = FOX, **options: Any
) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await channel.generate(request, **options)
    return raised.value


async def test_one_call_brings_images_and_facts(channel, upstream, answers, pixel, pixel_b64):
    upstream.script = answers(
        {
            "created": 1,
            "data": [{"b64_json": pixel_b64, "revised_prompt": "a red fox", "seed": 7}],
            "size": "1024x1024",
            "quality": "high",
            "output_format": "png",
            "background": "opaque",
            "usage": {"input_tokens": 5, "output_tokens": 7024, "total_tokens": 7029},
        },
        x_request_id="req_1",
    )

    answer = await channel.generate(FOX)

    [image] = answer.images
    [request] = upstream.received
    assert b"".join(image.spool.chunks()) == pixel
    assert (image.revised_prompt, image.seed) == ("a red fox", 7)
    assert (answer.size, answer.quality, answer.output_format, answer.background) == (
        "1024x1024",
        "high",
        "png",
        "opaque",
    )
    assert answer.usage == TokenUsage(5, 7024, 7029)
    assert (answer.request_id, answer.http_status) == ("req_1", 200)
    assert request.target == "/v1/images/generations"
    assert request.headers["authorization"] == f"Bearer {API_KEY}"
    assert json.loads(request.body) == {
        "model": "gpt-image-2",
        "prompt": "a fox",
        "n": 1,
        "size": "1024x1024",
        "quality": "high",
    }


async def test_the_public_model_is_sent_under_the_upstreams_name(
    upstream, pool, spools, answers, pixel_b64
):
    upstream.script = answers({"data": [{"b64_json": pixel_b64}]})
    config = config_for(f"{upstream.url}/api", upstream_models={"gpt-image-2": "dall-e-3"})

    await open_adapter(config, pool, spools).generate(FOX)

    [request] = upstream.received
    assert request.target == "/api/images/generations"
    assert json.loads(request.body)["model"] == "dall-e-3"
    assert json.loads(request.body)["response_format"] == "b64_json"


async def test_a_relays_edit_is_an_order_in_json_if_its_images_are_mapped(
    upstream, pool, spools, answers, pixel_b64
):
    upstream.script = answers({"data": [{"b64_json": pixel_b64}]})
    field_map = {
        "size": {"words": {"1536x1024": {"aspect_ratio": "3:2", "resolution": "1k"}}},
        "images": {"to": "image_urls", "as": "list"},
    }
    config = config_for(f"{upstream.url}/v1", field_map=field_map)
    edit = replace(FOX, size="1536x1024", task=Task.EDIT, images=(large_value(b"cat"),))

    await open_adapter(config, pool, spools).generate(edit)

    [request] = upstream.received
    sent = json.loads(request.body)
    assert request.target == "/v1/images/generations"
    assert sent["image_urls"] == ["data:image/png;base64,Y2F0"]
    assert (sent["aspect_ratio"], sent["resolution"]) == ("3:2", "1k")
    assert "size" not in sent


WORDS = '<sd_cpp_extra_args>{"steps": 900}</sd_cpp_extra_args>'


@pytest.mark.parametrize(
    "request_",
    [replace(FOX, prompt=f"a fox {WORDS}"), replace(FOX, fields={"style": {"a": [WORDS]}})],
)
async def test_words_that_an_sd_server_obeys_are_not_sent(channel, upstream, request_):
    error = await failure_of(channel, request_)

    assert (error.attempt_class, error.public_param) == (AttemptClass.REJECTED, "prompt")
    assert error.public_message == "The prompt must not have '<sd_cpp_extra_args'."
    assert (error.may_have_billed, upstream.received) == (False, [])


async def test_large_images_are_spooled_until_the_end_of_the_scope(
    channel, upstream, answers, spools
):
    pictures = [os.urandom(3_000_000), os.urandom(2_000_001)]
    texts = [base64.b64encode(picture).decode() for picture in pictures]
    upstream.script = answers({"data": [{"b64_json": text} for text in texts]})

    answer = await channel.generate(UpstreamRequest(model="m", prompt="p", n=2))

    assert [b"".join(image.spool.chunks()) for image in answer.images] == pictures
    assert spools.budget.used_bytes == 5_000_001
    spools.close()
    assert spools.budget.used_bytes == 0


@pytest.mark.parametrize(
    "case",
    [({"seed": 5}, 5), ({"seed": "5"}, None), ({"seed": True}, None), ({}, None)],
)
async def test_a_seed_of_the_whole_answer_is_each_images(
    channel, upstream, answers, pixel_b64, case
):
    document, seed = case
    upstream.script = answers({"data": [{"b64_json": pixel_b64}], **document})

    answer = await channel.generate(FOX)

    assert answer.images[0].seed == seed


async def test_long_revised_prompts_survive(channel, upstream, answers, pixel_b64):
    upstream.script = answers({"data": [{"b64_json": pixel_b64, "revised_prompt": "fox " * 7000}]})

    answer = await channel.generate(FOX)

    assert answer.images[0].revised_prompt == "fox " * 7000


async def test_more_images_than_asked_for_are_dropped(channel, upstream, answers, spools):
    picture = base64.b64encode(os.urandom(600_000)).decode()
    upstream.script = answers({"data": [{"b64_json": picture}] * 4})

    answer = await channel.generate(UpstreamRequest(model="m", prompt="p", n=2))

    assert len(answer.images) == 2
    assert spools.budget.used_bytes == 1_200_000


async def test_fewer_images_than_asked_for_are_delivered(channel, upstream, answers, pixel_b64):
    upstream.script = answers({"data": [{"b64_json": "not-base64!"}, {"b64_json": pixel_b64}]})

    answer = await channel.generate(UpstreamRequest(model="m", prompt="p", n=3))

    assert len(answer.images) == 1


async def test_a_data_uri_in_the_place_of_a_url_is_an_image(
    channel, upstream, answers, pixel, pixel_b64
):
    upstream.script = answers({"data": [{"url": f"data:image/png;base64,{pixel_b64}"}]})

    answer = await channel.generate(FOX)

    assert b"".join(answer.images[0].spool.chunks()) == pixel


async def test_reference_images_are_streamed_into_the_request(
    channel, upstream, answers, pixel_b64
):
    data = os.urandom(1_000_000)

    async def read():
        for start in range(0, len(data), 70_001):
            yield data[start : start + 70_001]

    upstream.script = answers({"data": [{"b64_json": pixel_b64}]})
    request = UpstreamRequest(
        model="m",
        prompt="p",
        fields={"image": "placeholder", "watermark": False},
        large={"placeholder": LargeValue(len(data), read, prefix="data:image/png;base64,")},
    )

    await channel.generate(request)

    sent = json.loads(upstream.received[0].body)
    assert sent["image"] == "data:image/png;base64," + base64.b64encode(data).decode()
    assert sent["watermark"] is False


async def test_a_reference_image_that_cannot_be_read_means_nothing_was_asked(channel, upstream):
    async def read():
        yield b"half"
        raise OSError("storage is gone")

    request = UpstreamRequest(
        model="m", prompt="p", fields={"image": "ph"}, large={"ph": LargeValue(8, read)}
    )

    error = await failure_of(channel, request)

    assert error.attempt_class is AttemptClass.NOT_REACHED
    assert upstream.received == []


# --- results by url ---------------------------------------------------------------------------


def files(upstream: RawServer, *, then: dict[str, Script]) -> Script:
    """Answer generations with urls of this server, and each url with its script."""

    async def script(request: Received, writer: asyncio.StreamWriter) -> None:
        if request.target in then:
            await then[request.target](request, writer)
            return
        urls = [{"url": f"{upstream.url}{path}"} for path in then]
        await says(json.dumps({"data": urls}).encode())(request, writer)

    return script


async def test_a_result_at_the_base_urls_origin_is_fetched_with_our_key(
    channel, upstream, answers, pixel
):
    """SGLang answers with relative addresses, which ask for the key as orders do."""
    upstream.script = Vendor({
        "POST /v1/images/generations": [answers({"data": [{"url": "/v1/images/i-1/content"}]})],
        "GET /v1/images/i-1/content": [says(pixel)],
    })  # fmt: skip

    answer = await channel.generate(FOX)

    assert b"".join(answer.images[0].spool.chunks()) == pixel
    assert upstream.received[1].headers["authorization"] == f"Bearer {API_KEY}"


@pytest.mark.parametrize("is_led_there", [False, True], ids=["named", "by a redirect"])
async def test_a_result_at_another_origin_is_fetched_without_our_key(
    upstream, spools, pixel, is_led_there
):
    async with running(says(pixel)) as elsewhere:
        there = f"{elsewhere.url}/a.png?sig=1"
        upstream.script = files(
            upstream, then={"/a.png": says(b"", status=302, headers={"Location": there})}
        )
        if not is_led_there:
            upstream.script = says(json.dumps({"data": [{"url": there}]}).encode())
        pool = HttpPool(egress_allow=[upstream.host_port, elsewhere.host_port])
        answer = await open_adapter(config_for(upstream.url), pool, spools).generate(FOX)
        await pool.aclose()

    assert b"".join(answer.images[0].spool.chunks()) == pixel
    assert [each.target for each in elsewhere.received] == ["/a.png?sig=1"]
    assert API_KEY not in str(elsewhere.received)


async def test_a_result_url_that_points_inside_may_have_been_paid(channel, upstream, answers):
    upstream.script = answers({"data": [{"url": "https://localhost/a.png"}]})

    error = await failure_of(channel)

    assert error.attempt_class is AttemptClass.BAD_RESULT
    assert error.may_have_billed
    assert len(upstream.received) == 1


async def test_a_silent_download_ends_with_the_deadline(channel, upstream):
    upstream.script = files(upstream, then={"/a.png": raw_server.drips})

    error = await failure_of(channel, timeout_seconds=1.0)

    assert error.attempt_class is AttemptClass.UNKNOWN
    assert error.may_have_billed


# --- misbehaviour -----------------------------------------------------------------------------


GOOD_START = b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"data":[{"b64_json":"'


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (sends(b"", then_reset=True), "unknown"),
        (sends(b""), "unknown"),
        (sends(GOOD_START + b"QUJD"), "unknown"),
        (sends(GOOD_START + b"QUJD", then_reset=True), "unknown"),
        (sends(b"garbage\r\n\r\n"), "unknown"),
        (says(b'{"data":[{"b64_json":"QUJD'), "unknown"),
        (says(b"<html>ok</html>"), "unknown"),
        (says(b""), "unknown"),
        (says(b"[]"), "unknown"),
        (says(b'{"data":' + b"[" * 100 + b"]" * 100 + b"}"), "unknown"),
        (says(b"{" + b" " * 3_000_000 + b"}"), "unknown"),
        (says(b'{"data":[]}'), "bad_result"),
        (says(b'{"data":[{"b64_json":"?"}]}'), "bad_result"),
        (says(b'{"data":[{"b64_json":"' + b"QUJ!" * 10_000 + b'"}]}'), "bad_result"),
        (says(b'{"data":[{"text":"No."}]}'), "bad_result"),
        (says(b'{"data":[{"text":"It was judged unsafe."}]}'), "moderated"),
        (says(b'{"error":{"code":"moderation_blocked"}}', status=400), "moderated"),
        (says(b'{"error":{"message":"bad size"}}', status=400), "rejected"),
        (says(b'{"error":{"message":"no"}}', status=401), "refused"),
        (says(b'{"error":{"message":"no"}}', status=503), "refused"),
        (says(b"<html>", status=503), "unknown"),
        (says(b"<html>", status=502), "unknown"),
        (says(b"", status=522), "not_reached"),
        (says(b"x" * 300_000, status=500), "unknown"),
        (sends(b"HTTP/1.1 401 x\r\nContent-Length: 50\r\n\r\n{", then_reset=True), "refused"),
        (sends(b"HTTP/1.1 100 Continue\r\n\r\n" * 3), "unknown"),
    ],
)
async def test_every_misbehaviour_has_its_class(channel, upstream, spools, script, expected):
    upstream.script = script

    error = await failure_of(channel)

    assert error.attempt_class == expected
    assert API_KEY not in error.detail
    assert len(error.detail) <= 500
    assert len(upstream.received) == 1


@pytest.mark.parametrize("script", [raw_server.hangs, raw_server.drips])
async def test_the_time_out_holds_against_hangs_and_drips(channel, upstream, script):
    upstream.script = script

    error = await failure_of(channel, timeout_seconds=1.0)

    assert error.attempt_class is AttemptClass.UNKNOWN
    assert error.may_have_billed


async def test_a_429_says_when_to_come_back(channel, upstream, answers):
    upstream.script = answers(
        {"error": {"message": "slow", "code": "rate_limit_exceeded"}},
        status=429,
        retry_after="9",
        x_request_id="req_2",
    )

    error = await failure_of(channel)

    assert error.attempt_class is AttemptClass.REFUSED
    assert error.retry_after_seconds == 9.0
    assert (error.http_status, error.request_id) == (429, "req_2")


async def test_a_dead_host_is_not_reached(spools, upstream):
    pool = HttpPool(egress_allow=["127.0.0.1:1"])
    channel = open_adapter(config_for("http://127.0.0.1:1"), pool, spools)

    error = await failure_of(channel)

    assert error.attempt_class is AttemptClass.NOT_REACHED
    assert not error.may_have_billed
    await pool.aclose()


async def test_a_base_url_inside_that_nobody_allowed_is_never_called(upstream, spools):
    pool = HttpPool()
    channel = open_adapter(config_for(upstream.url), pool, spools)

    error = await failure_of(channel)

    assert error.attempt_class is AttemptClass.NOT_REACHED
    assert upstream.connections == 0
    await pool.aclose()


async def test_no_room_on_our_disk_is_never_asked_again(upstream, pool, answers, tmp_path):
    spools = Spools(tmp_path / "small", SpoolBudget(1_000_000))
    channel = open_adapter(config_for(upstream.url), pool, spools)
    picture = base64.b64encode(os.urandom(1_500_000)).decode()
    upstream.script = answers({"data": [{"b64_json": picture}]})

    error = await failure_of(channel)

    assert (error.attempt_class, error.is_ours) == (AttemptClass.STORAGE_FAILED, True)
    assert error.may_have_billed


async def test_a_cancelled_call_leaves_nothing_behind(channel, upstream, spools):
    started = asyncio.Event()

    async def half(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n{"data":[{"b64_json":"')
        writer.write(b"QUJD" * 250_000)
        await writer.drain()
        started.set()
        await asyncio.Event().wait()

    upstream.script = half
    call = asyncio.create_task(channel.generate(FOX))
    await started.wait()

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert spools.budget.used_bytes == 0


def test_a_channels_key_is_not_in_its_representation():
    assert API_KEY not in repr(config_for("https://x.example"))
