"""Reading of CSV files, and cells that no spreadsheet reads as a formula.

Excel and LibreOffice fold full-width signs and skip white space. In locales with a decimal comma
they begin a new cell at each semicolon, even inside quotes: `;=1` is a formula there.
"""

import csv
import io
import re
from typing import Any

_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
"""Signs that begin a formula: half-width, and full-width from East Asian keyboards."""
_REST = "\0rest"
"""The key, in place of a column's name, of cells beyond the last column."""
_BEFORE_A_FORMULA = re.compile(
    rf'^(?=[\t\r\n]|[\s;"]*[{_SIGNS}])|(?<=[;\t\r\n])(?=[\s"]*[{_SIGNS}])'
)

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def table_of(text: str) -> tuple[list[str], list[dict[str, str]]]:
    """Return the column names and the lines below, with cells stripped of white space.

    Raises ValueError for invalid CSV, and for a line with more cells than columns.
    """
    lines = csv.DictReader(io.StringIO(text), restkey=_REST)
    try:
        names = list(lines.fieldnames or ())
        return names, [_cells(line, lines.line_num) for line in lines]
    except csv.Error as error:
        raise ValueError(f"line {lines.line_num + 1}: {error}") from None


def _cells(line: dict[str, Any], number: int) -> dict[str, str]:
    if any(cell.strip() for cell in line.pop(_REST, ())):
        more = "more cells than columns: is a decimal written with a comma?"
        raise ValueError(f"line {number}: {more}")
    return {name: (cell or "").strip() for name, cell in line.items() if name}


def harmless(cell: Any) -> Any:
    """Put an apostrophe before anything in a text that might be read as a formula.

    Other values, and texts that are numbers such as `-1.00`, are returned unchanged.
    """
    if not isinstance(cell, str) or _NUMBER.fullmatch(cell):
        return cell
    return _BEFORE_A_FORMULA.sub("'", cell)
