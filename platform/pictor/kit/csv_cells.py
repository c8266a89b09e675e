"""Cells of CSV files that spreadsheets take for text, never for a formula.

Excel and LibreOffice fold full-width signs, pass over white space, and where the decimal point is a
comma they begin a new cell at each semicolon, whatever the quotes say: `;=1` is a formula there.
"""

import re
from typing import Any

_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
"""Half-width, and full-width as East Asian keyboards write them."""
_BEFORE_A_FORMULA = re.compile(
    rf'^(?=[\t\r\n]|[\s;"]*[{_SIGNS}])|(?<=[;\t\r\n])(?=[\s"]*[{_SIGNS}])'
)


def harmless(cell: Any) -> Any:
    """A text with an apostrophe before whatever might be read as a formula; others as they are."""
    return _BEFORE_A_FORMULA.sub("'", cell) if isinstance(cell, str) else cell
