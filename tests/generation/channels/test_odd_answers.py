"""Answers in odd shapes that relays were seen to give: every paid image arrives."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from generation.channels.base import UpstreamRequest
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.openai.reader import AnswerReader
from tests.fakes.raw_server import Received, says

pytestmark = pytest.mark.anyio

FOX = UpstreamRequest(model="gpt-image-2", prompt="a fox")
BYTES = bytes(range(248, 256)) * 3
"""Bytes whose base64 has both `+` and `/`, which the URL-safe alphabet lacks."""
USUAL, URL_SAFE = base64.b64encode(BYTES).decode(), base64.urlsafe_b64encode(BYTES).decode()


async def bytes_of(channel: Any) -> bytes:
    answer = await channel.generate(FOX)
    [image] = answer.images
    return b"".join(image.spool.chunks())


@pytest.mark.parametrize(
    "document",
    [
        {"data": {"b64_json": USUAL}},
        {"data": [], "images": [{"b64_json": USUAL}]},
        {"data": [{"b64_json": URL_SAFE}]},
        {"data": [{"b64_json": URL_SAFE.rstrip("=")}]},
        {"data": [{"url": f"data:image/png;base64,{USUAL}"}]},
        {"data": [{"url": USUAL}]},
        {"data": [USUAL]},
    ],
)
async def test_base64_is_found_wherever_it_stands(channel, upstream, answers, document):
    upstream.script = answers(document)

    assert await bytes_of(channel) == BYTES


@pytest.mark.parametrize(
    "data",
    [
        "{origin}/files/a.png",
        [" {origin}/files/a.png\n"],
        [{"url": "/files/a.png"}],
        [{"image_url": "{origin}/files/a.png"}],
        [{"image_url": {"url": "/files/a.png"}}],
    ],
)
async def test_an_address_is_found_and_may_be_relative(channel, upstream, data):
    document = json.dumps({"data": data}).replace("{origin}", upstream.url)

    async def script(request: Received, writer: Any) -> None:
        is_file = request.target == "/files/a.png"
        await says(BYTES if is_file else document.encode())(request, writer)

    upstream.script = script

    assert await bytes_of(channel) == BYTES


async def test_a_task_is_no_image_and_no_refusal(channel, upstream, answers):
    upstream.script = answers({"code": "success", "data": "736a1b2c-7d0e-4f2a-9a55-3a0f7e6f1c11"})

    with pytest.raises(UpstreamError) as raised:
        await bytes_of(channel)

    assert raised.value.attempt_class == AttemptClass.BAD_RESULT


DOCUMENT = json.dumps({"data": [{"b64_json": USUAL}]}).encode()
EVENT = json.dumps({"type": "image_generation.completed", "b64_json": USUAL}).encode()
EVENTS = b"event: image_generation.completed\ndata: " + EVENT + b"\n\ndata: [DONE]\n\n"


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream", "text/plain"])
@pytest.mark.parametrize(
    "body",
    [DOCUMENT, b"\xef\xbb\xbf" + DOCUMENT, b"\n \n" + DOCUMENT, EVENTS, b": drawing\n\n" + EVENTS],
    ids=["json", "byte order mark", "blanks", "events", "comment"],
)
async def test_an_answer_is_read_by_what_it_is(channel, upstream, kind, body):
    upstream.script = says(body, headers={"Content-Type": kind})

    assert await bytes_of(channel) == BYTES


class InPieces:
    """An answer whose bytes come as these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    async def chunks(self, most: int) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


@pytest.mark.parametrize(
    ("pieces", "head"),
    [
        ((b"\xef\xbb", b"\xbf e", b"ven", b"t: a", b"b"), b"event: a"),
        ((b"d", b"ata: {}"), b"data: {}"),
        ((b": drawing",), b": drawing"),
        ((b" ", b"{", b"}"), b"{"),
    ],
)
async def test_what_an_answer_is_shows_once_its_first_word_is_there(pieces, head):
    request = UpstreamRequest(model="m", prompt="p")
    nothing: Any = None
    reader = AnswerReader(
        request, address="", http=nothing, spools=nothing, api_key="", on_partial=None
    )
    answer: Any = InPieces(*pieces)

    assert (await reader.begun(answer))[0] == head
