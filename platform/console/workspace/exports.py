"""Lists as CSV: streamed, with a mark that spreadsheets read UTF-8 by, and no formulas in them."""

import csv
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

MOST_BYTES = 200 * 1024**2
CUT = "The file ends here, at 200 MB: narrow the filter, or ask for what follows."
MOST_SECONDS = 20.0
"""That are spent on a file: a little less than a page may take (web/site.py)."""
LATE = "The file ends here, as the rest would take too long: narrow the filter."
_MARK = "\ufeff"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Rows = Sequence[Sequence[Any]]


def csv_answer(name: str, columns: Sequence[str], pages: Iterable[Rows]) -> StreamingHttpResponse:
    """A file of that name.

    Args:
        name: of the file.
        columns: its first line.
        pages: the rows, some at a time. A page is made in a thread, when the one before has been
            written: no more than one is in memory. (Of an iterator that is not asynchronous Django
            makes a list first.)
    """
    writer = csv.writer(_Echo())

    async def lines() -> AsyncIterator[str]:
        yield _MARK + writer.writerow(columns)
        steps, size, ends_at = iter(pages), 0, time.monotonic() + MOST_SECONDS
        while (page := await sync_to_async(_next)(steps)) is not None:
            if time.monotonic() > ends_at:
                yield writer.writerow([LATE])
                return
            text = "".join(writer.writerow([_harmless(cell) for cell in row]) for row in page)
            size += len(text.encode())
            if size > MOST_BYTES:
                yield writer.writerow([CUT])
                return
            yield text

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _next(steps: Iterator[Rows]) -> Rows | None:
    return next(steps, None)


class _Echo:
    """A file for csv.writer that gives each line back."""

    def write(self, line: str) -> str:
        return line


def _harmless(cell: Any) -> Any:
    """A spreadsheet must not take a customer's words for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
