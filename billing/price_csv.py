"""Prices as CSV, in dollars, one row for each price. Pure.

    model,size,quality,usd,kind,width,height
    dall-e-3,1024x1024,hd,0.080000,fixed,1024,1024

`kind` may be left out (fixed), width and height if the size gives them. Raises ValueError with the
number of each invalid line.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping

from billing.pricing import AUTO, INPUT, REFERENCE, TOKEN_AXES, BookRow, Kind, PriceKey
from pictor.kit.words.csv_cells import harmless, table_of
from pictor.kit.words.money import from_decimal, to_decimal

COLUMNS = ("model", "size", "quality", "usd", "kind", "width", "height")
NEEDED = frozenset({"model", "size", "quality", "usd"})
MAX_NAMED = 20
"""The most wrong lines that an error names."""
MAX_CHARACTERS: Mapping[str, int] = {"model": 100, "size": 11, "quality": 8}
"""Characters that the database's columns can hold."""
_SIDE = re.compile("[1-9][0-9]{0,8}")
KINDS: Mapping[str, Kind] = {"": "fixed", "fixed": "fixed", "formula": "formula"}


def to_csv(rows: Iterable[BookRow]) -> str:
    """Return the rows as CSV with a header."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        usd = to_decimal(row.micros)
        writer.writerow([*map(harmless, row.key), usd, row.kind, row.width, row.height])
    return file.getvalue()


def read(text: str) -> list[BookRow]:
    """Read the rows of a CSV; raises ValueError, also for a repeated price."""
    columns, lines = table_of(text)
    names = set(columns)
    if missing := NEEDED - names:
        raise ValueError(f"the columns {', '.join(sorted(missing))} are missing")
    if twice := [name for name in names if columns.count(name) > 1]:
        raise ValueError(f"columns appear twice: {', '.join(sorted(twice))}")
    if unknown := names - set(COLUMNS):
        raise ValueError(f"unknown columns: {', '.join(sorted(map(str, unknown)))}")
    rows: dict[PriceKey, BookRow] = {}
    wrong = []
    for number, line in enumerate(lines, start=2):
        try:
            row = _row(line)
        except ValueError as error:
            wrong.append(f"line {number}: {error}")
            continue
        if row.key in rows:
            wrong.append(f"line {number}: {' '.join(row.key)} has a price already")
        rows[row.key] = row
    if wrong:
        more = f"; and {len(wrong) - MAX_NAMED} more lines" if len(wrong) > MAX_NAMED else ""
        raise ValueError("; ".join(wrong[:MAX_NAMED]) + more)
    return list(rows.values())


def _row(line: Mapping[str, str]) -> BookRow:
    if empty := [name for name in sorted(NEEDED) if not line[name]]:
        raise ValueError(f"{empty[0]} is empty")
    for name, most in MAX_CHARACTERS.items():
        if len(line[name]) > most or "\0" in line[name]:
            raise ValueError(f"{name} is longer than {most} characters, or not text")
    kind = line.get("kind", "")
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not a kind: use fixed or formula")
    words = {INPUT} if line["size"] == REFERENCE else TOKEN_AXES
    if KINDS[kind] == "formula" and line["quality"] not in words:
        raise ValueError(f"the formula has no quality {line['quality']!r}")
    if line["quality"] == AUTO:
        raise ValueError("quality 'auto' has no price: it is charged as another")
    micros = from_decimal(line["usd"])
    if micros < 0:
        raise ValueError(f"{line['usd']} is below 0")
    width, height = _pixels(line)
    return BookRow(line["model"], line["size"], line["quality"], micros, width, height, KINDS[kind])


def _pixels(line: Mapping[str, str]) -> tuple[int, int]:
    sides = (line.get("width", ""), line.get("height", ""))
    if sides == ("", "") and line["size"] != AUTO:
        width, _, height = line["size"].partition("x")
        sides = (width, height)
    if not all(_SIDE.fullmatch(side) for side in sides):
        raise ValueError(f"{line['size']} needs width and height in pixels")
    return int(sides[0]), int(sides[1])
