"""Pages and CSV files as text, for comparison."""

import csv
import io
import re
from html import unescape
from typing import Any

from asgiref.sync import async_to_sync

EDGE = re.compile(
    r" ?(</?(?:d[dlt]|div|form|h[1-6]|li|nav|[ou]l|option|p|section|t[dhr]|tbody|thead)\b[^>]*>) ?"
    r"|(<[a-z][^>]*>) | (</[a-z])"
)
"""A blank that no browser shows: beside a block, after a start tag, before an end tag."""


def words_of(answer: Any) -> str:
    """The page's HTML, each run of white space as one blank, without those that none sees."""
    return EDGE.sub(r"\1\2\3", " ".join(answer.content.decode().split()))


def said_by(answer: Any) -> str:
    """The page's text without tags, each run of white space as one blank."""
    return words_in(answer.content.decode())


def words_in(html: str) -> str:
    """The text of HTML, such as a part of a page, in the same way."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def csv_of(answer: Any) -> str:
    """The text of a CSV that is streamed asynchronously."""

    async def read() -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    return async_to_sync(read)().decode("utf-8-sig")


def lines_of(answer: Any) -> list[dict[str, str]]:
    """The rows of a CSV that is streamed asynchronously."""
    return list(csv.DictReader(io.StringIO(csv_of(answer))))
