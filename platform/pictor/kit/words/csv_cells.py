"""Reading of CSV files, and cells that no spreadsheet reads as a formula.

Excel and LibreOffice fold full-width signs and skip white space. In locales with a decimal comma
they begin a new cell at each semicolon, even inside quotes: `;=1` is a formula there.
"""

import csv
import io
import re
from typing import Any

MAX_CELL_CHARS = 32_767
"""The most characters of a spreadsheet's cell."""
MAX_COLUMNS, MAX_CELLS = 100, 500_000
"""The limits of a table that is read: each line has a cell for each column, given or not."""
_CUT = "… (cut)"
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
"""Signs that begin a formula: half-width, and full-width from East Asian keyboards."""
_REST = "\0rest"
"""The key, in place of a column's name, of cells beyond the last column."""
# Possessive, and begun only where white space begins: each character is looked at once or twice.
_BEGINNING_OF_A_FORMULA = re.compile(rf'[\t\r\n]|[\s;"]*+[{_SIGNS}]')
_GAP_BEFORE_A_SIGN = re.compile(rf'(?:;[\s"]*+|(?<![\s"])[\s"]++)(?=[{_SIGNS}])')
_MARKED = str.maketrans({end: f"{end}'" for end in ";\t\r\n"})
"""What ends a cell, with the apostrophe for the next one."""
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def table_of(text: str) -> tuple[list[str], list[dict[str, str]]]:
    """Return the column names and the lines below, with cells stripped of white space.

    Raises ValueError for invalid CSV, a line with more cells than columns, and above the limits.
    """
    lines = csv.DictReader(io.StringIO(text), restkey=_REST)
    try:
        names = list(lines.fieldnames or ())
        _refuse_above(MAX_COLUMNS, len(names), "columns")
        rows = list[dict[str, str]]()
        for line in lines:
            rows.append(_cells(line, lines.line_num))
            _refuse_above(MAX_CELLS, len(rows) * len(names), "cells")
    except csv.Error as error:
        raise ValueError(f"line {lines.line_num + 1}: {error}") from None
    return names, rows


def _refuse_above(most: int, number: int, of: str) -> None:
    if number > most:
        raise ValueError(f"more than {most:,} {of}")


def _cells(line: dict[str, Any], number: int) -> dict[str, str]:
    if any(cell.strip() for cell in line.pop(_REST, ())):
        more = "more cells than columns: is a decimal written with a comma?"
        raise ValueError(f"line {number}: {more}")
    return {name: (cell or "").strip() for name, cell in line.items() if name}


def harmless(cell: Any) -> Any:
    """Put an apostrophe before anything in a text that might be read as a formula.

    Other values, and texts that are numbers such as `-1.00`, are returned unchanged. A text that
    would be longer than a spreadsheet's cell is cut.
    """
    if not isinstance(cell, str):
        return cell
    text = cell[: MAX_CELL_CHARS + 1]
    if not _NUMBER.fullmatch(text):
        start = "'" if _BEGINNING_OF_A_FORMULA.match(text) else ""
        text = start + _GAP_BEFORE_A_SIGN.sub(lambda gap: gap[0].translate(_MARKED), text)
    return text if len(text) <= MAX_CELL_CHARS else text[: MAX_CELL_CHARS - len(_CUT)] + _CUT
