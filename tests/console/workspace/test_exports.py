"""CSV files: a page of rows in memory at a time, and an end."""

from collections.abc import Iterator
from typing import Any

import pytest

from console.workspace import exports
from console.workspace.exports import CUT, LATE, csv_answer
from tests.console.workspace.conftest import lines_of

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


def test_it_ends_before_it_grows_without_limit(monkeypatch):
    monkeypatch.setattr(exports, "MOST_BYTES", 100)
    pages = ([["x" * 60]] for _ in range(9))

    lines = lines_of(csv_answer("x.csv", ["words"], pages))

    assert [line["words"] for line in lines] == ["x" * 60, CUT]


def test_it_ends_before_a_page_takes_too_long(monkeypatch):
    monkeypatch.setattr(exports, "MOST_SECONDS", -1.0)
    pages = iter([[["a"]], [["b"]]])

    lines = lines_of(csv_answer("x.csv", ["words"], pages))

    assert [line["words"] for line in lines] == [LATE]
