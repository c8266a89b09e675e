import json
import random
import time
import tracemalloc
from typing import Any

import pytest

from pictor.kit.bytes.json_stream import (
    JsonInvalid,
    JsonStream,
    JsonTooDeep,
    JsonTooLarge,
    JsonTooManyLong,
)

LONG = "QUJD" * 100


class Collected:
    """A sink that keeps everything, and the arguments it was opened with."""

    def __init__(self, index: int, key: str) -> None:
        self.index = index
        self.key = key
        self.data = b""
        self.is_finished = False

    def write(self, data: bytes) -> None:
        self.data += data

    def finish(self) -> None:
        self.is_finished = True


def stream(**options: int) -> JsonStream[Collected]:
    return JsonStream(64, Collected, **options)


def read(document: bytes, *, chunk_bytes: int) -> tuple[Any, JsonStream[Collected]]:
    parser = stream()
    for start in range(0, len(document), chunk_bytes):
        parser.feed(document[start : start + chunk_bytes])
    skeleton, _ = parser.finish()
    return json.loads(skeleton), parser


def sink_of(parser: JsonStream[Collected], value: object) -> Collected:
    sink = parser.sink_of(value)
    assert sink is not None
    return sink


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 5, 7, 64, 100, 1000, 100_000])
def test_long_strings_go_to_sinks_wherever_the_chunks_are_cut(chunk_bytes):
    document = json.dumps(
        {"a": 1, "data": [{"b64_json": LONG, "x": 'short é \\ " \n'}, {"b64_json": LONG + "/"}]}
    ).encode()

    parsed, parser = read(document, chunk_bytes=chunk_bytes)

    first, second = parsed["data"]
    assert parsed["a"] == 1
    assert first["x"] == 'short é \\ " \n'
    assert sink_of(parser, first["b64_json"]).data == LONG.encode()
    assert sink_of(parser, second["b64_json"]).data == LONG.encode() + b"/"
    assert sink_of(parser, second["b64_json"]).is_finished


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 4, 5, 6, 7, 11, 1000])
@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        (rb"AB\/CD", b"AB/CD"),
        (rb"AB\\\/CD", rb"AB\/CD"),
        (rb"A\nB\r\tC", b"A\nB\r\tC"),
        (rb"\u0041\u002f\u003D", b"A/="),
        (rb"\"\\\"", b'"\\"'),
        (rb"A\u20acB", b"A?B"),
    ],
)
def test_escapes_in_long_strings_are_undone_wherever_the_chunks_are_cut(
    chunk_bytes, escaped, plain
):
    document = b'{"image":"' + escaped * 50 + b'"}'

    parsed, parser = read(document, chunk_bytes=chunk_bytes)

    assert sink_of(parser, parsed["image"]).data == plain * 50


def test_a_string_of_exactly_the_threshold_stays():
    parser = stream()

    parser.feed(b'["' + b"x" * 64 + b'","' + b"y" * 65 + b'"]')

    skeleton, sinks = parser.finish()
    assert json.loads(skeleton)[0] == "x" * 64
    assert [sink.data for sink in sinks] == [b"y" * 65]


def test_sinks_are_told_the_key_they_are_the_value_of():
    document = b'{"image" : "%s", "more": ["%s"]}' % (LONG.encode(), LONG.encode())

    parsed, parser = read(document, chunk_bytes=9)

    assert sink_of(parser, parsed["image"]).key == "image"
    assert sink_of(parser, parsed["more"][0]).key == ""


def test_a_string_that_no_sink_takes_stays_where_it_is():
    parser: JsonStream[Collected] = JsonStream(64, lambda index, key: None)

    parser.feed(b'{"revised_prompt":"' + b"a fox " * 100 + b'\\n"}')

    skeleton, sinks = parser.finish()
    assert json.loads(skeleton) == {"revised_prompt": "a fox " * 100 + "\n"}
    assert sinks == []


def test_a_placeholder_cannot_be_guessed_or_carried_over_from_another_document():
    parsed, parser = read(b'{"a":"%s"}' % LONG.encode(), chunk_bytes=50)
    _, other = read(b'{"a":"%s"}' % LONG.encode(), chunk_bytes=50)

    assert parser.index_of(parsed["a"]) == 0
    assert other.index_of(parsed["a"]) is None
    assert other.index_of("long-string-0") is None
    assert other.index_of(None) is None


@pytest.mark.parametrize(
    "document",
    [b'{"a":"' + LONG.encode(), b'{"a":"b"', b'["x\\', b'{"a":[1,2}', b"[[", b'"abc'],
)
def test_a_document_cut_short_is_invalid(document):
    parser = stream()

    with pytest.raises(JsonInvalid):
        feed_and_parse(parser, document)


@pytest.mark.parametrize("escape", [b"\\x41", b"\\u12G4", b"\\u12", b"\\ "])
def test_a_broken_escape_is_invalid(escape):
    parser = stream()

    with pytest.raises(JsonInvalid):
        feed_and_parse(parser, b'{"a":"' + b"A" * 100 + escape + b'"}')


def feed_and_parse(parser: JsonStream[Collected], document: bytes) -> None:
    parser.feed(document)
    skeleton, _ = parser.finish()
    try:
        json.loads(skeleton)
    except ValueError as error:
        raise JsonInvalid(str(error)) from error


def test_nesting_is_refused_before_anything_is_parsed():
    parser = stream(max_depth=32)
    parser.feed(b"[" * 32)

    with pytest.raises(JsonTooDeep):
        parser.feed(b"[")


def test_brackets_inside_strings_do_not_nest():
    parser = stream(max_depth=2)

    parser.feed(b'{"a":"' + b"[{" * 20 + b'","b":["' + b"[" * 20 + b'"]}')

    assert json.loads(parser.finish()[0])["a"] == "[{" * 20


def test_a_closing_bracket_too_many_is_invalid():
    with pytest.raises(JsonInvalid):
        stream().feed(b"{}}")


def test_a_long_object_key_is_invalid():
    parser = stream()
    parser.feed(b'{"' + b"k" * 200 + b'" : 1}')

    with pytest.raises(JsonInvalid):
        parser.finish()


def test_too_much_outside_long_strings_is_refused():
    parser = stream(max_skeleton_bytes=1000)

    with pytest.raises(JsonTooLarge):
        parser.feed(b"[" + b" " * 1000)


def test_too_many_long_strings_are_refused():
    parser = stream(max_long_strings=2)

    with pytest.raises(JsonTooManyLong):
        parser.feed(b"[" + b",".join([b'"' + b"x" * 100 + b'"'] * 3) + b"]")


@pytest.mark.parametrize("chunk_bytes", [977, 4096, 100_000])
@pytest.mark.parametrize("seed", range(10))
def test_every_json_text_is_read_as_written(seed, chunk_bytes):
    chance = random.Random(seed)  # noqa: S311 - no secret
    lengths = (0, 3, 30, 60, 90, 1500, 6000)
    texts = [
        "".join(chance.choices('"\\/\n[{,:}]AU0é', k=chance.choice(lengths))) for _ in range(30)
    ]
    document = json.dumps({"data": texts, "more": {text[:8]: text for text in texts}})

    parsed, parser = read(document.replace("/", r"\/").encode(), chunk_bytes=chunk_bytes)

    def meant(text: str) -> str:
        sink = parser.sink_of(text)
        return text if sink is None else sink.data.decode("latin-1")

    assert [meant(text) for text in parsed["data"]] == texts
    assert {key: meant(text) for key, text in parsed["more"].items()} == {
        text[:8]: text for text in texts
    }


class Counted:
    """A sink that only counts."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: bytes) -> None:
        self.size += len(data)

    def finish(self) -> None:
        pass


@pytest.mark.parametrize(
    "piece", [b"QUJD" * 16384, b"QUJ\\/" * 13107, b"\\u0041" * 10922, b"\\\\\\/" * 16384]
)
def test_thirty_megabytes_pass_in_flat_memory_and_bounded_time(piece):
    sink = Counted()
    parser: JsonStream[Counted] = JsonStream(4096, lambda index, key: sink)
    tracemalloc.start()
    started = time.process_time()

    parser.feed(b'{"image":"')
    for _ in range(460):
        parser.feed(piece)
    parser.feed(b'"}')

    seconds = time.process_time() - started
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sink.size >= 460 * 10922
    assert peak_bytes < 2 * 1024**2
    assert seconds < 20
