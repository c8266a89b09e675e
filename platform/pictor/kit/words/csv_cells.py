"""CSV files as they come, and cells that spreadsheets take for text, never for a formula.

Excel and LibreOffice fold full-width signs, pass over white space, and where the decimal point is a
comma they begin a new cell at each semicolon, whatever the quotes say: `;=1` is a formula there.
"""

import csv
import io
import re
from typing import Any

_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
"""Half-width, and full-width as East Asian keyboards write them."""
_REST = "\0rest"
"""In place of a column's name: the cells behind the last one."""
_BEFORE_A_FORMULA = re.compile(
    rf'^(?=[\t\r\n]|[\s;"]*[{_SIGNS}])|(?<=[;\t\r\n])(?=[\s"]*[{_SIGNS}])'
)

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def table_of(text: str) -> tuple[list[str], list[dict[str, str]]]:
    """The names of the columns and the lines below them, without white space around a cell.

    Raises ValueError for what is no CSV, and for a line with more cells than there are columns.
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
    """A text with an apostrophe before whatever might be read as a formula; others as they are.

    A number is no formula: `-1.00` stays one.
    """
    if not isinstance(cell, str) or _NUMBER.fullmatch(cell):
        return cell
    return _BEFORE_A_FORMULA.sub("'", cell)
