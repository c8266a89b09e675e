"""The reader of streamed answers: lines, chunks and ends as real servers send them."""

import base64
import json
import os
import random
from collections.abc import Iterable
from typing import Any

import pytest

from generation.channels.base64_stream import AnswerStream
from generation.channels.openai import event_stream
from generation.channels.openai.event_stream import EventStream, StreamEvent
from pictor.kit.bytes.json_stream import JsonRefused, JsonTooLarge, JsonTooMany
from pictor.kit.bytes.spool import SpoolBudget, Spools, SpoolTooLarge

Seen = tuple[str, dict[str, Any], bytes | None]

PICTURE = random.Random(3).randbytes(60_000)  # noqa: S311 - no secret
B64 = base64.b64encode(PICTURE).decode()
SMALL = PICTURE[:3_000]
"""A short picture, for tests with chunks of a few bytes."""


@pytest.fixture
def stream(spools: Spools) -> EventStream:
    return stream_of(spools)


def stream_of(spools: Spools, max_image_bytes: int = 1_000_000) -> EventStream:
    def answer() -> AnswerStream:
        return AnswerStream(
            spools.scope(), max_images=1, max_image_bytes=max_image_bytes, is_patient=True
        )

    return EventStream(answer)


def read(stream: EventStream, chunks: Iterable[bytes]) -> list[Seen]:
    """Every event's type, its other fields, and the bytes of its image."""
    seen = []
    for events in (*map(stream.feed, chunks), stream.finish()):
        for event in filter(None, events):
            spool = event.answer.image(event.document.pop("b64_json", None))
            image = None if spool is None else spool.read_at(0, spool.size)
            seen.append((event.type, event.document, image))
            event.answer.spools.close()
    return seen


def events_in(stream: EventStream, chunk: bytes) -> list[StreamEvent]:
    return [event for event in stream.feed(chunk) if event]


def in_chunks(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def wire(end: str, picture: bytes = PICTURE) -> bytes:
    """The stream's bytes: a comment, two events with images, one `event:` line, and the end."""
    b64 = base64.b64encode(picture).decode()
    first = json.dumps({"type": "image_generation.partial_image", "b64_json": b64})
    second = json.dumps({"b64_json": b64, "type": "image_generation.completed", "n": 2})
    lines = [": hello", "", "id: 7", "event: x", f"data: {first}", "", f"data:{second}", ""]
    return end.join([*lines, "data: [DONE]", "", ""]).encode()


def wire_events(picture: bytes = PICTURE) -> list[Seen]:
    """The events in `wire`."""
    return [
        ("image_generation.partial_image", {"type": "image_generation.partial_image"}, picture),
        ("image_generation.completed", {"type": "image_generation.completed", "n": 2}, picture),
    ]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000, 65_536, 1_000_000])
def test_events_are_the_same_however_lines_end_and_chunks_are_cut(stream, end, size):
    picture = SMALL if size < 1000 else PICTURE

    seen = read(stream, in_chunks(wire(end, picture), size))

    assert seen == wire_events(picture)
    assert stream.is_done


@pytest.mark.parametrize("seed", range(20))
def test_events_are_the_same_when_chunks_are_cut_at_random(stream, seed):
    luck = random.Random(seed)  # noqa: S311 - no secret
    data = wire("\r\n")
    cuts = sorted(luck.sample(range(1, 300), 60) + luck.sample(range(300, len(data)), 60))
    ends = [*cuts, len(data)]

    seen = read(stream, [data[a:b] for a, b in zip([0, *cuts], ends, strict=True)])

    assert seen == wire_events()


def test_an_event_ends_at_its_blank_line_and_not_later(stream):
    data = b'data: {"type":"a"}\r\n\r\n'

    early = events_in(stream, data[:-2])
    (event,) = events_in(stream, data[-2:])

    assert early == []
    assert event.type == "a"


@pytest.mark.parametrize(
    ("data", "types"),
    [
        (b'data: {"type":\ndata:"two"\ndata: }\n\n', ["two"]),
        (b'data\ndata: {"type":"a"}\ndata:\n\n', ["a"]),
        (b'\xef\xbb\xbfdata: {"type":"bom"}\n\n', ["bom"]),
        (b'event: error\ndata: {"message":"no"}\n\n', ["error"]),
        (b'data: {"message":"no"}\nevent: error\n\n', ["error"]),
        (b'event: first\n\ndata: {"n":1}\n\n', [""]),
        (b'event: one\ndata: {"type":"two"}\n\n', ["two"]),
        (b'data: {"type":7}\n\n', [""]),
        (b"data:\n\ndata: \n\ndata\n\n\n\n", []),
        (b"event: image_generation.completed\n\n", []),
        (b"retry: 10\nid: 3\n: x\nunknown: y\ndatum: 5\ndatab\n\n", []),
        (b'event: ping\ndata: 12:00\n\ndata: {"type":"a"}\n\n', ["a"]),
        (b'data: ping\n\ndata: {"type":"a"}\n\n', ["a"]),
        (b"data: [DONE]\n\n", []),
        (b'data:   [DONE]  \n\ndata: {"type":"late"}\n\n', []),
        (b"data:" + b" " * 100 + b'{"type":"far"}\n\n', ["far"]),
        (b'data: {"type":"no blank line"}', ["no blank line"]),
        (b'data: {"type":"one end"}\n', ["one end"]),
        (b"", []),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_every_form_that_the_format_allows_is_read(stream, data, types, size):
    seen = read(stream, in_chunks(data, size))

    assert [kind for kind, _, _ in seen] == types


@pytest.mark.parametrize(
    "data",
    [
        b'data: {"type":"a"\n\n',
        b'data: {"type":"a',
        b"data: nothing\n\n",
        b"data: [1]\n\n",
        b'event: error\ndata: "x\n\n',
        b'event: image_generation.completed\ndata: {"b64_json":"AAAA\n\n',
        b'data: {"b64_json":"' + B64.encode()[:40_000],
    ],
)
def test_data_that_is_no_object_or_cut_short_is_refused_and_its_spool_freed(stream, spools, data):
    with pytest.raises(JsonRefused):
        read(stream, in_chunks(data, 100))

    spools.close()
    assert spools.budget.used_bytes == 0


def test_events_without_images_are_refused_when_they_come_to_megabytes(stream):
    event = b'data: {"a": [' + b"12345678901234567," * 8_333 + b"0]}\n\n"

    assert len(read(stream, [event] * 20)) == 20
    with pytest.raises(JsonTooLarge):
        read(stream, [event] * 10)


def test_empty_lines_without_end_are_refused(stream, monkeypatch):
    monkeypatch.setattr(event_stream, "MAX_LINES", 1000)

    with pytest.raises(JsonTooLarge):
        read(stream, [b"\n" * 1001])


def test_many_lines_of_data_leave_turns_to_others(stream):
    assert list(stream.feed(b"data:1\n" * 3_500)) == [None, None, None]


def test_an_answer_of_very_many_values_is_refused(stream):
    with pytest.raises(JsonTooMany):
        read(stream, [b'data: {"content":[' + b"{}," * 10_000])


def test_events_without_end_are_refused(stream, monkeypatch):
    monkeypatch.setattr(event_stream, "MAX_EVENTS", 10)

    assert len(read(stream, [b'data: {"type": "a"}\n\n' * 10])) == 10
    with pytest.raises(JsonTooLarge):
        read(stream, [b"data: {}\n\n"])


def test_noise_without_end_is_refused(stream, monkeypatch):
    monkeypatch.setattr(event_stream, "MAX_IGNORED", 10)
    ping = b"event: ping\ndata: x\n\n"
    read(stream, [ping * 5, b"data: \t\n\n" * 5])

    with pytest.raises(JsonTooLarge):
        read(stream, [ping])


def test_an_image_too_large_is_an_error_only_when_it_is_asked_for(spools):
    stream = stream_of(spools, max_image_bytes=50_000)
    (event,) = events_in(stream, f'data: {{"type":"a","b64_json":"{B64}"}}\n\n'.encode())

    with pytest.raises(SpoolTooLarge):
        event.answer.image(event.document["b64_json"])

    event.answer.spools.close()
    assert spools.budget.used_bytes == 0


def test_memory_stays_flat_and_closing_an_event_frees_its_spool(tmp_path):
    spools = Spools(tmp_path, SpoolBudget(20_000_000))
    stream = stream_of(spools, max_image_bytes=20_000_000)
    picture = os.urandom(9_000_000)
    data = b'data: {"b64_json":"' + base64.b64encode(picture) + b'"}\n\n'

    for _ in range(3):
        (event,) = [one for chunk in in_chunks(data, 65_536) for one in events_in(stream, chunk)]
        spool = event.answer.image(event.document["b64_json"])
        assert spool is not None
        assert spool.size == 9_000_000
        assert spools.budget.used_bytes == 9_000_000
        event.answer.spools.close()

    assert spools.budget.used_bytes == 0
