"""Answers in odd shapes that relays were seen to give: every paid image arrives."""

import asyncio
import base64
import gzip
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from generation.channels import base64_stream
from generation.channels.base import TokenUsage, UpstreamRequest
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.openai.reader import AnswerReader
from tests.fakes.raw_server import Received, says, sends

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


LONG = bytes(range(256)) * 200
"""Longer than what stays in an answer's text."""


@pytest.mark.parametrize("content", [BYTES * 2, LONG], ids=["short", "long"])
@pytest.mark.parametrize(
    "document",
    [
        '{"code":200,"message":"success","data":{"created":1,"data":[{"b64_json":"$"}]}}',
        '{"output":[{"type":"image_generation_call","status":"completed","result":"$"}]}',
        '{"response":{"output":[{"type":"reasoning"},{"result":"$"}]}}',
        '{"choices":[{"message":{"content":"Here.","images":[{"image_url":{"url":"%"}}]}}]}',
        '{"choices":[{"message":{"content":[{"type":"image_url","image_url":{"url":"%"}}]}}]}',
        '{"choices":[{"message":{"content":"![a fox](%)"}}]}',
        '{"choices":[{"message":{"content":" ![](% )\\n"}}]}',
        '{"choices":[{"message":{"content":"%"}}]}',
        '{"choices":[{"message":{"content":"\\n%"}}]}',
        '{"output":[{"type":"message","content":[{"type":"output_text","text":"![x](%)"}]}]}',
        '{"data":"%"}',
        '{"b64_json":"$"}',
        '[{"b64_json":"$"}]',
        '\0{"data":[{"b64_json":"$","revised_prompt":"a fox\n\tin snow"}]}',
        '{"artifacts":[{"base64":"$","finishReason":"SUCCESS"}]}',
        '{"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"$"}]}',
        '{"choices":[{"message":{"content":"![' + "a fox in snow, " * 40 + '](%)"}}]}',
    ],
)
async def test_a_picture_is_found_in_every_shape_and_keeps_its_bytes(
    channel, upstream, document, content
):
    encoded = base64.b64encode(content).decode()
    body = document.replace("%", "data:image/png;base64,$").replace("$", encoded)
    upstream.script = says(body.encode())

    assert await bytes_of(channel) == content


@pytest.mark.parametrize(
    "content",
    [
        "{origin}/files/a.png",
        "![a fox]({origin}/files/a.png)",
        " {origin}/files/a.png",
        '![a fox](<{origin}/files/a.png> "in snow")',
    ],
)
async def test_a_text_that_is_an_address_is_fetched(channel, upstream, content):
    document = json.dumps({"choices": [{"message": {"content": content}}]})

    async def script(request: Received, writer: Any) -> None:
        is_file = request.target == "/files/a.png"
        body = document.replace("{origin}", upstream.url).encode()
        await says(BYTES if is_file else body)(request, writer)

    upstream.script = script

    assert await bytes_of(channel) == BYTES


@pytest.mark.parametrize(
    "content",
    [
        f"Here: data:image/png;base64,{USUAL}",
        f"![x](data:image/png;base64,{base64.b64encode(LONG).decode()}) and more words",
        "See https://x.example/a.png",
        "No.",
    ],
)
async def test_a_text_with_other_words_is_no_picture_and_no_refusal(
    channel, upstream, answers, content
):
    upstream.script = answers({"choices": [{"message": {"content": content}}]})

    with pytest.raises(UpstreamError) as raised:
        await bytes_of(channel)

    assert raised.value.attempt_class == AttemptClass.BAD_RESULT
    assert len(upstream.received) == 1


async def test_the_envelopes_content_has_the_facts(channel, upstream, answers):
    inner = {"size": "1024x1024", "usage": {"output_tokens": 9}, "data": [{"b64_json": USUAL}]}
    upstream.script = answers({"code": 200, "data": inner})

    answer = await channel.generate(FOX)

    assert answer.size == "1024x1024"
    assert answer.usage == TokenUsage(0, 9, 9)


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF0000WEBP"])
@pytest.mark.parametrize(
    "document",
    [
        {"data": "$"},
        {"image": "$"},
        {"result": {"image": "$"}},
        {"candidates": [{"content": {"parts": [{"text": "x"}, {"inlineData": {"data": "$"}}]}}]},
    ],
)
async def test_base64_of_a_small_picture_is_known_by_its_first_bytes(
    channel, upstream, document, start
):
    encoded = base64.b64encode(start + BYTES).decode()
    upstream.script = says(json.dumps(document).replace("$", encoded).encode())

    assert await bytes_of(channel) == start + BYTES


PNG = b"\x89PNG\r\n\x1a\n" + LONG
JPEG = b"\xff\xd8\xff\xe0" + LONG
WEBP = b"RIFF\x00\x00\x00\x00WEBP" + LONG


@pytest.mark.parametrize("kind", ["image/png", "application/json", ""])
@pytest.mark.parametrize("body", [PNG, JPEG, WEBP], ids=["png", "jpeg", "webp"])
async def test_a_body_that_is_the_picture_is_taken_as_it_is(channel, upstream, body, kind):
    upstream.script = says(body, headers={"Content-Type": kind, "X-Request-Id": "r1"})

    answer = await channel.generate(FOX)

    [image] = answer.images
    assert b"".join(image.spool.chunks()) == body
    assert answer.request_id == "r1"


ENCODED = base64.b64encode(PNG)
ADDRESS = b"data:image/png;base64," + ENCODED


@pytest.mark.parametrize(
    "body",
    [
        ENCODED,
        ADDRESS,
        b'"' + ENCODED + b'"',
        b'"' + ADDRESS.replace(b"/", b"\\/") + b'"\r\n',
        b"\xef\xbb\xbf![a fox](" + ADDRESS + b")\n",
    ],
    ids=["base64", "data", "string", "data string", "markdown"],
)
async def test_a_body_that_is_the_text_of_a_picture_is_taken(channel, upstream, body):
    upstream.script = says(body, headers={"Content-Type": "text/plain"})

    assert await bytes_of(channel) == PNG


@pytest.mark.parametrize(
    "body",
    [
        b"{origin}/files/a.png\n",
        b"![a fox]({origin}/files/a.png)",
        b'![a fox]({origin}/files/a.png "a \\ fox")',
        b'"/files/a.png"',
    ],
)
async def test_a_body_that_is_an_address_is_fetched(channel, upstream, body):
    async def script(request: Received, writer: Any) -> None:
        is_file = request.target == "/files/a.png"
        text = body.replace(b"{origin}", upstream.url.encode())
        await says(BYTES if is_file else text)(request, writer)

    upstream.script = script

    assert await bytes_of(channel) == BYTES


LATIN = b'{"data":[{"revised_prompt":"caf\xe9","b64_json":"' + USUAL.encode() + b'"}]}'


async def test_text_that_is_not_utf_8_does_not_cost_the_picture(channel, upstream):
    upstream.script = says(LATIN)

    answer = await channel.generate(FOX)

    [image] = answer.images
    assert (b"".join(image.spool.chunks()), image.revised_prompt) == (BYTES, "caf\ufffd")


WHOLE = json.dumps({"data": [{"b64_json": base64.b64encode(LONG).decode()}]}).encode()
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(WHOLE) + WHOLE


def of_length(more: int, body: bytes = WHOLE) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(body) + more) + body


def labelled(encoding: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (encoding, len(body)) + body


@pytest.mark.parametrize("then_reset", [False, True])
@pytest.mark.parametrize(
    "raw",
    [
        CHUNKED + b"\r\n",
        CHUNKED,
        CHUNKED + b"\r\nno chunk",
        of_length(40),
        of_length(0, WHOLE + b"\0" * 9),
        of_length(0, WHOLE + b"\r\n \t"),
        of_length(0, WHOLE + b"<!-- served by a proxy -->"),
        of_length(0, gzip.compress(WHOLE, mtime=0)),
        of_length(0, b"\n\n" + WHOLE),
        labelled(b"gzip", WHOLE),
        labelled(b"utf-8", WHOLE),
        labelled(b"none", gzip.compress(WHOLE, mtime=0)),
        labelled(b"gzip, identity", gzip.compress(WHOLE, mtime=0)),
    ],
)
async def test_a_document_that_is_whole_counts_however_its_body_ends(
    channel, upstream, raw, then_reset
):
    upstream.script = sends(raw, then_reset=then_reset)

    assert await bytes_of(channel) == LONG


async def test_a_whole_document_whose_connection_stays_open_is_not_waited_for(
    channel, upstream, monkeypatch
):
    monkeypatch.setattr(base64_stream, "END_SECONDS", 0.2)

    async def script(_request: Received, writer: Any) -> None:
        writer.write(of_length(40))
        await asyncio.sleep(30)

    upstream.script = script

    async with asyncio.timeout(5):
        assert await bytes_of(channel) == LONG


@pytest.mark.parametrize("seed", range(30))
async def test_a_document_wrapped_padded_and_cut_at_random_arrives_to_the_byte_or_is_free(
    channel, upstream, seed
):
    luck = random.Random(seed)  # noqa: S311 - no secret
    picture = luck.randbytes(luck.choice([60, 15_000, 40_000]))
    document: object = {"b64_json": base64.b64encode(picture).decode()}
    for _ in range(luck.randrange(1, 4)):
        document = luck.choice([{"data": [document]}, {"data": document}, {"output": [document]}])
    text = json.dumps(document).encode()
    body = text + luck.choice([b"", b"\0\0", b" \n", b"words"])
    cut = luck.choice([len(body), len(text), luck.randrange(len(text))])
    upstream.script = sends(of_length(luck.randrange(1, 99), body[:cut]))

    if cut >= len(text):
        assert await bytes_of(channel) == picture
        return
    with pytest.raises(UpstreamError) as raised:
        await bytes_of(channel)
    assert raised.value.attempt_class is AttemptClass.UNKNOWN
    assert len(upstream.received) == 1


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
        ((b"data:", b"image/png;base64,A"), b"data:image/png;base64,A"),
        ((b": drawing",), b": drawing"),
        ((b" ", b"{", b"}"), b"{"),
    ],
)
async def test_what_an_answer_is_shows_once_its_first_word_is_there(pieces, head):
    request = UpstreamRequest(model="m", prompt="p")
    nothing: Any = None
    reader = AnswerReader(request, download=nothing, spools=nothing, api_key="", on_partial=None)
    answer: Any = InPieces(*pieces)

    assert (await reader.begun(answer))[0] == head
