"""Lists as CSV, with a mark by which spreadsheets recognize UTF-8, and without formulas."""

import csv
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, QueryDict, StreamingHttpResponse

from pictor.kit.words.csv_cells import harmless

MAX_ROWS = 50_000
"""The most rows of a file that a person waits for: they are made in seconds."""
MAX_BYTES = 200 * 1024**2
PIECE_BYTES = 128 * 1024
"""What the event loop compresses and sends at once."""
MAX_SECONDS = 20.0
"""The most seconds spent on a file: a little less than a page may take (web/site.py)."""
NARROW = "narrow the filter"
_CUT = "The file ends here, {why}: {rest}."
_MARK = "\ufeff"

Rows = Sequence[Sequence[Any]]


def csv_answer(
    name: str, columns: Sequence[str], pages: Iterable[Rows], *, rest: str = NARROW
) -> StreamingHttpResponse:
    """Stream a CSV file of at most MAX_ROWS, MAX_BYTES and MAX_SECONDS.

    Args:
        name: the file's name.
        columns: its first line.
        pages: the rows, in batches. A batch is read and written in a thread once the one before
            was taken, so only one is in memory. (From an iterator that is not asynchronous Django
            makes a list first.) The event loop gets bytes, a piece of about PIECE_BYTES at a time.
        rest: how to get the remaining rows, for the last line of a file that was cut.
    """
    content = read_in_threads(_pieces(columns, pages, rest))
    answer = StreamingHttpResponse(content, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


async def read_in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield each piece; a thread makes it once the one before was taken."""
    while (piece := await sync_to_async(_next)(pieces)) is not None:
        yield piece


def csv_chunks(columns: Sequence[str], pages: Iterable[Rows]) -> Iterator[bytes]:
    yield (_MARK + _lines([columns])).encode()
    for page in pages:
        yield _lines(page).encode()


def spelled(value: Any) -> Any:
    """A time in ISO 8601, with its zone; other values as they are."""
    return value.isoformat() if isinstance(value, datetime) else value


def query_of(request: HttpRequest) -> QueryDict:
    query = request.GET.copy()
    query.pop("format", None)
    return query


def _pieces(columns: Sequence[str], pages: Iterable[Rows], rest: str) -> Iterator[bytes]:
    """Yield the first line, then the lines of each batch in pieces, up to the first limit."""
    yield (_MARK + _lines([columns])).encode()
    rows, size, ends_at = 0, 0, time.monotonic() + MAX_SECONDS
    for page in pages:
        piece = bytearray()
        for row in chain([None], page):  # a batch without rows takes time, too
            line = b"" if row is None else _lines([row]).encode()
            rows, size = rows + (row is not None), size + len(line)
            if why := _why_cut(rows, size, ends_at):
                yield bytes(piece) + _lines([[_CUT.format(why=why, rest=rest)]]).encode()
                return
            piece += line
            if len(piece) >= PIECE_BYTES:
                yield bytes(piece)
                piece.clear()
        yield bytes(piece)


def _why_cut(rows: int, size: int, ends_at: float) -> str:
    """Return why a file ends here; empty if it goes on."""
    if time.monotonic() > ends_at:
        return "because the rest would take too long"
    if size > MAX_BYTES:
        return f"at {MAX_BYTES // 1024**2} MB"
    return f"at {MAX_ROWS:,} rows" if rows > MAX_ROWS else ""


def _next(pieces: Iterator[bytes]) -> bytes | None:
    return next(pieces, None)


class _Echo:
    def write(self, line: str) -> str:
        return line


_writer = csv.writer(_Echo())


def _lines(rows: Rows) -> str:
    return "".join(_writer.writerow([harmless(spelled(cell)) for cell in row]) for row in rows)
