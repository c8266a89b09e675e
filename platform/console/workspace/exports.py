"""Lists as CSV: streamed, with a mark that spreadsheets read UTF-8 by, and no formulas in them."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

_MARK = "\ufeff"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_answer(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> StreamingHttpResponse:
    """A file of that name. Rows are asked for as the client takes them in."""
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield _MARK + writer.writerow(columns)
        for row in rows:
            yield writer.writerow([_harmless(cell) for cell in row])

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


class _Echo:
    """A file for csv.writer that gives each line back."""

    def write(self, line: str) -> str:
        return line


def _harmless(cell: Any) -> Any:
    """A spreadsheet must not take a customer's words for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
