"""A vendor account's costs as CSV, in dollars, one row for each cost. Pure.

    # https://vendor.example/pricing, seen on 2026-11-26
    model,size,quality,usd,kind
    dall-e-3,1024x1024,hd,0.080000,fixed
    gpt-image-1,tokens,output,40.000000,tokens

`kind` may be left out: fixed, or tokens or units if that is the size. The dollars are for one image
if the kind is fixed, for its first megapixel or step if it is pixels (billing/pixel_csv.py has that
kind's further columns), for one of the vendor's own units if it is units, else for a million
tokens. Lines before the header that begin with `#` name the source of the amounts. Raises
ValueError with the number of the invalid line.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from billing import pixel_csv
from billing.price_rows import AUTO
from billing.token_formula import TOKEN_AXES
from billing.upstream_cost import ANY, TOKEN_ROWS, TOKENS, UNITS, CostKey, CostKind, CostRow
from pictor.kit.words.csv_cells import harmless, table_of
from pictor.kit.words.money import Micros, from_decimal, to_decimal

COLUMNS = ("model", "size", "quality", "usd", "kind")
NEEDED = frozenset({"model", "size", "quality", "usd"})
KINDS: Mapping[str, CostKind] = {
    "": "fixed",
    "fixed": "fixed",
    "formula": "formula",
    "pixels": "pixels",
}
MAX_ROWS = 2000
MAX_COST_MICROS = 1_000_000_000_000
"""A million dollars, so that the cost of an answer's tokens stays a valid amount."""
MAX_MODEL_CHARS, MAX_QUALITY_CHARS = 128, 64
_PIXELS = re.compile(r"[1-9]\d{0,4}x[1-9]\d{0,4}", re.ASCII)


class CostFile(NamedTuple):
    """The costs in a file, and their source."""

    rows: list[CostRow]
    source: str


def to_csv(rows: Iterable[CostRow], *, source: str = "") -> str:
    """Return the rows as CSV with a header, below a line that names their source."""
    file = io.StringIO()
    if source:
        file.write(f"# {' '.join(source.split())}\n")
    writer = csv.writer(file, lineterminator="\n")
    rows = list(rows)
    more = pixel_csv.COLUMNS if any(row.terms for row in rows) else ()
    writer.writerow((*COLUMNS, *more))
    for row in rows:
        of_pixels = pixel_csv.cells_of(row.terms) if more else ()
        usd = to_decimal(row.micros)
        writer.writerow([*map(harmless, row.key), usd, row.kind, *of_pixels])
    return file.getvalue()


def read(text: str) -> CostFile:
    """Read the rows and the source of a CSV; raises ValueError, also for a repeated cost."""
    if "\0" in text:
        raise ValueError("a file with a null character is not CSV")
    lines = text.splitlines()
    remarks = _remarks(lines)
    columns, table = table_of("\n".join(lines[len(remarks) :]))
    names = set(columns)
    if missing := NEEDED - names:
        raise ValueError(f"the columns {', '.join(sorted(missing))} are missing")
    if unknown := names - {*COLUMNS, *pixel_csv.COLUMNS}:
        raise ValueError(f"unknown columns: {', '.join(sorted(map(str, unknown)))}")
    rows: dict[CostKey, CostRow] = {}
    for number, line in enumerate(table, start=len(remarks) + 2):
        try:
            row = _row(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if row.key in rows:
            raise ValueError(f"line {number}: {' '.join(row.key)} has a cost already")
        rows[row.key] = row
    if not 0 < len(rows) <= MAX_ROWS:
        raise ValueError(f"there must be 1 to {MAX_ROWS} costs, not {len(rows)}")
    return CostFile(list(rows.values()), " ".join(line.lstrip("# ").strip() for line in remarks))


def _remarks(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines before the header that begin with #."""
    first = next((at for at, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return lines[:first]


def _row(line: Mapping[str, str]) -> CostRow:
    if empty := [name for name in sorted(NEEDED) if not line[name]]:
        raise ValueError(f"{empty[0]} is empty")
    kind = _kind(line)
    micros = Micros(from_decimal(line["usd"]))
    if not 0 <= micros <= MAX_COST_MICROS:
        raise ValueError(f"{line['usd']} is not from 0 to {to_decimal(MAX_COST_MICROS)}")
    if len(line["model"]) > MAX_MODEL_CHARS or len(line["quality"]) > MAX_QUALITY_CHARS:
        raise ValueError("a model has at most 128 characters, a quality 64")
    terms = pixel_csv.terms_in(line, micros)
    row = CostRow(line["model"], line["size"], line["quality"], micros, kind, terms)
    if max(row.amounts) > MAX_COST_MICROS:
        raise ValueError(f"an image may cost more than {to_decimal(MAX_COST_MICROS)}")
    return row


def _kind(line: Mapping[str, str]) -> CostKind:
    size, quality, word = line["size"], line["quality"], line.get("kind", "")
    if size == TOKENS:
        if word not in {"", "tokens"} or quality not in TOKEN_ROWS:
            raise ValueError(
                f"the size 'tokens' needs the kind 'tokens' and a quality of"
                f" {', '.join(TOKEN_ROWS)}"
            )
        return "tokens"
    if size == UNITS:
        if word not in {"", "units"} or quality != ANY:
            raise ValueError("the size 'units' needs the kind 'units' and the quality 'any'")
        return "units"
    if word not in KINDS:
        raise ValueError(
            f"{word!r} is not a kind: use fixed, formula, pixels, or tokens and units where that is"
            " the size"
        )
    if size not in {AUTO, ANY} and not _PIXELS.fullmatch(size):
        raise ValueError(f"{size!r} is neither WIDTHxHEIGHT nor {AUTO}, {ANY}, {TOKENS} or {UNITS}")
    if KINDS[word] == "formula" and quality not in {*TOKEN_AXES, AUTO, ANY}:
        raise ValueError(f"the formula has no quality {quality!r}")
    return KINDS[word]
