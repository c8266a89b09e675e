"""Amounts, times, days, numbers, factors and tables as people type them: one reading for all. Pure.

Each function raises ValueError with words for the person who typed.
"""

import json
import re
import tomllib
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pictor.kit.words.money import Micros, from_decimal

LARGEST_NUMBER = 2**31 - 1
"""The largest number in most columns."""
LARGEST_ID = 2**63 - 1
MOST_DEPTH = 32
_TOO_DEEP = "it is nested too deeply"
_GROUPED = re.compile(r"-?[1-9]\d{0,2}(,\d{3})+(\.\d*)?", re.ASCII)
"""An amount with commas at its thousands: 12,50 may mean twelve and a half."""
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_DECIMAL_CHARACTERS = 20
_SHOWN_CHARACTERS = 40


def amount(text: str) -> Micros:
    """Read dollars, such as `12.50`, `$1,000.50` or `-0.25`."""
    bare = text.strip().replace("\N{MINUS SIGN}", "-").replace("$", "", 1).strip()
    return from_decimal(bare.replace(",", "") if _GROUPED.fullmatch(bare) else bare)


def moment(text: str) -> datetime:
    """Read a time with its zone, such as `2026-12-01 00:00 UTC`; return it in UTC."""
    bare = text.strip()
    if bare.endswith("UTC"):
        bare = bare.removesuffix("UTC").rstrip() + "Z"
    with suppress(ValueError, OverflowError):  # no such day; no year that UTC has
        read = datetime.fromisoformat(bare)
        if read.tzinfo is not None:
            return read.astimezone(UTC)
    raise ValueError(f"{_shown(text)} is not a time with its zone, such as 2026-12-01 00:00 UTC")


def day(text: str) -> date:
    """Read a day, such as `2026-12-01`."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{_shown(text)} is not a day, such as 2026-12-01") from None


def number(text: str, *, least: int = 0, most: int = LARGEST_NUMBER) -> int:
    """Read a whole number from `least`, which is not below 0, to `most`."""
    bare = text.strip()
    is_short = len(bare) <= len(str(most))  # Python takes long texts with an error of its own
    if is_short and bare.isascii() and bare.isdigit() and least <= int(bare) <= most:
        return int(bare)
    raise ValueError(f"{_shown(text)} is not a whole number from {least} to {most}")


def decimal(text: str, *, such_as: str) -> Decimal:
    """Read a plain decimal number; not `1_2`, which Python accepts."""
    bare = text.strip()
    if _DECIMAL.fullmatch(bare) and len(bare) <= _DECIMAL_CHARACTERS:
        return Decimal(bare)
    raise ValueError(f"{_shown(text)} is not a number such as {such_as}")


def table(text: str) -> dict[str, Any]:
    """Read a table in TOML, or an object in JSON, of what a column of JSON can keep."""
    try:
        found = dict(json.loads(text) if text.startswith("{") else tomllib.loads(text))
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    return storable(found)


def storable(found: dict[str, Any]) -> dict[str, Any]:
    """The table, if a column of JSON can keep all of it."""
    plain = ""
    try:
        plain = json.dumps(found, ensure_ascii=False, allow_nan=False)
        plain.encode()
        is_too_deep = _depth(found) > MOST_DEPTH
    except RecursionError:
        is_too_deep = True
    except (TypeError, ValueError):
        raise ValueError("it has a value that is no JSON, such as a date") from None
    if is_too_deep:
        raise ValueError(_TOO_DEEP)
    if "\\u0000" in plain:
        raise ValueError("it has a NUL character")
    return found


def _depth(value: object) -> int:
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, held), default=0)


def _shown(text: str) -> str:
    return repr(text[:_SHOWN_CHARACTERS])
