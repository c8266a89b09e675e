"""Prices as CSV, in dollars, one row for each price. Pure.

    model,size,quality,usd,kind,width,height
    dall-e-3,1024x1024,hd,0.080000,fixed,1024,1024

`kind` may be left out (fixed), width and height if the size gives them or is `any`. Rows of the
kind `pixels` have further columns (billing/pixel_csv.py). Raises ValueError with the number of each
invalid line.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from math import prod
from typing import get_args

from billing import pixel_csv
from billing.pixel_prices import MAX_PIXELS
from billing.price_rows import ANY, AUTO, INPUT, REFERENCE, BookRow, Kind, PriceKey, row_by
from billing.token_formula import TOKEN_AXES
from pictor.kit.words.csv_cells import harmless, table_of
from pictor.kit.words.money import from_decimal, to_decimal

COLUMNS = ("model", "size", "quality", "usd", "kind", "width", "height")
NEEDED = frozenset({"model", "size", "quality", "usd"})
MAX_NAMED = 20
"""The most wrong lines that an error names."""
MAX_CHARACTERS: Mapping[str, int] = {"model": 100, "size": 11, "quality": 16}
"""Characters that the database's columns can hold."""
_SIDE = re.compile("[1-9][0-9]{0,8}")
KINDS: Mapping[str, Kind] = {"": "fixed", **{kind: kind for kind in get_args(Kind)}}


def to_csv(rows: Iterable[BookRow]) -> str:
    """Return the rows as CSV with a header."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    rows = list(rows)
    has_terms = any(row.terms for row in rows)
    writer.writerow((*COLUMNS, *(pixel_csv.COLUMNS if has_terms else ())))
    for row in rows:
        usd = to_decimal(row.terms.least if row.terms else row.micros)
        known = [*map(harmless, row.key), usd, row.kind, row.width, row.height]
        writer.writerow([*known, *(pixel_csv.cells_of(row.terms) if has_terms else [])])
    return file.getvalue()


def read(text: str) -> list[BookRow]:
    """Read the rows of a CSV; raises ValueError, also for a repeated price."""
    columns, lines = table_of(text)
    names = set(columns)
    if missing := NEEDED - names:
        raise ValueError(f"the columns {', '.join(sorted(missing))} are missing")
    if twice := [name for name in names if columns.count(name) > 1]:
        raise ValueError(f"columns appear twice: {', '.join(sorted(twice))}")
    if unknown := names - {*COLUMNS, *pixel_csv.COLUMNS}:
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
    kind = _kind(line)
    if line["quality"] == AUTO:
        raise ValueError("quality 'auto' has no price: it is charged as another")
    micros = from_decimal(line["usd"])
    if micros < 0:
        raise ValueError(f"{line['usd']} is below 0")
    width, height = _pixels(line)
    row = BookRow(line["model"], line["size"], line["quality"], micros, width, height, kind)
    return row_by(row, pixel_csv.terms_in(line, micros))


def _pixels(line: Mapping[str, str]) -> tuple[int, int]:
    sides = (line.get("width", ""), line.get("height", ""))
    if sides == ("", "") and line["size"] == ANY:
        sides = ("1024", "1024")
    elif sides == ("", "") and line["size"] != AUTO:
        width, _, height = line["size"].partition("x")
        sides = (width, height)
    if not all(_SIDE.fullmatch(side) for side in sides):
        raise ValueError(f"{line['size']} needs width and height in pixels")
    pixels = (int(sides[0]), int(sides[1]))
    if line.get("kind") == pixel_csv.PIXELS and prod(pixels) > MAX_PIXELS:
        raise ValueError(f"a size has at most {MAX_PIXELS} pixels")
    return pixels


def _kind(line: Mapping[str, str]) -> Kind:
    kind = line.get("kind", "")
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not a kind: use {', '.join(get_args(Kind))}")
    words = {INPUT} if line["size"] == REFERENCE else TOKEN_AXES
    if kind == "each" and line["size"] != REFERENCE:
        raise ValueError(f"only a row of size {REFERENCE} is of the kind each")
    if line["size"] == AUTO and kind == "pixels":
        raise ValueError(f"a row of size {AUTO} is not of the kind pixels")
    if line["size"] == ANY and kind == "formula":
        raise ValueError(f"a row of size {ANY} is not of the kind formula")
    if KINDS[kind] == "formula" and line["quality"] not in words:
        raise ValueError(f"the formula has no quality {line['quality']!r}")
    return KINDS[kind]
