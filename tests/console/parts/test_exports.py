"""CSV files: a page of rows in memory at a time, with a limit."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from typing_extensions import override

from console.parts import exports
from console.parts.exports import csv_answer
from tests.console.answers import lines_of

pytestmark = pytest.mark.anyio


async def test_a_page_is_made_when_the_one_before_was_taken():
    made: list[int] = []

    def pages() -> Iterator[list[list[int]]]:
        for number in range(3):
            made.append(number)
            yield [[number]]

    answer: Any = csv_answer("x.csv", ["number"], pages())
    chunks = answer.streaming_content

    assert await anext(chunks) == b"\xef\xbb\xbfnumber\r\n"
    assert made == []
    assert await anext(chunks) == b"0\r\n"
    assert made == [0]


def test_a_file_ends_at_its_largest_size(monkeypatch):
    monkeypatch.setattr(exports, "MAX_BYTES", 1024**2)
    pages = ([["x" * 25_000] * 4] for _ in range(99))

    lines = lines_of(csv_answer("x.csv", ["words", "a", "b", "c"], pages))

    assert len(lines) == 11
    assert lines[-1]["words"] == "The file ends here, at 1 MB: narrow the filter."


def test_a_file_ends_at_the_most_rows_and_says_how_to_get_the_rest(monkeypatch):
    monkeypatch.setattr(exports, "MAX_ROWS", 3)
    pages = [[["a"], ["b"]], [["c"], ["d"]], [["e"]]]

    lines = lines_of(csv_answer("x.csv", ["words"], pages, rest="ask for it"))

    words = [line["words"] for line in lines]
    assert words == ["a", "b", "c", "The file ends here, at 3 rows: ask for it."]


def test_a_time_is_written_with_its_zone_and_none_as_an_empty_cell():
    rows = [[datetime(2026, 12, 1, 9, 30, tzinfo=UTC), None]]

    (line,) = lines_of(csv_answer("x.csv", ["began", "ended"], [rows]))

    assert line == {"began": "2026-12-01T09:30:00+00:00", "ended": ""}


def test_a_file_of_exactly_the_most_rows_is_whole(monkeypatch):
    monkeypatch.setattr(exports, "MAX_ROWS", 2)

    lines = lines_of(csv_answer("x.csv", ["words"], [[["a"]], [["b"]], []]))

    assert [line["words"] for line in lines] == ["a", "b"]


def test_a_file_ends_at_the_row_that_takes_too_long(monkeypatch):
    clock = SimpleNamespace(monotonic=iter([0.0, 1.0, 1.0, 21.0]).__next__)
    monkeypatch.setattr(exports, "time", clock)
    pages = [[["a"], ["b"], ["c"]]]

    lines = lines_of(csv_answer("x.csv", ["words"], pages))

    late = "The file ends here, because the rest would take too long: narrow the filter."
    assert [line["words"] for line in lines] == ["a", late]


def test_a_search_that_finds_nothing_ends_too(monkeypatch):
    monkeypatch.setattr(exports, "time", SimpleNamespace(monotonic=count(0.0, 9.0).__next__))
    read = list[int]()

    def pages() -> Iterator[list[list[str]]]:
        for number in range(99):
            read.append(number)
            yield []

    lines = lines_of(csv_answer("x.csv", ["words"], pages()))

    assert len(read) == 3
    assert "would take too long" in lines[0]["words"]


async def test_the_event_loop_gets_a_batch_in_pieces():
    page = [["\N{FOX FACE}" * 8_000] for _ in range(20)]

    answer: Any = csv_answer("x.csv", ["words"], [page])
    written = [len(chunk) async for chunk in answer.streaming_content]

    assert sum(written) == 3 + len("words\r\n") + 20 * 32_002
    assert max(written) < exports.PIECE_BYTES + 32_010


async def test_lines_are_made_outside_the_event_loop():
    made_in = list[str]()

    class Cell:
        @override
        def __str__(self) -> str:
            made_in.append(threading.current_thread().name)
            return "a"

    answer: Any = csv_answer("x.csv", ["words"], [[[Cell()]]])
    written = [chunk async for chunk in answer.streaming_content]

    assert written[1:] == [b"a\r\n"]
    assert made_in
    assert threading.current_thread().name not in made_in
