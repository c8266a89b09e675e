"""What somebody types to `manage.py price`: books, files, numbers, times."""

import sys
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from django.core.management.base import CommandError

from accounts.management.operator import read_time
from billing import price_csv
from billing.models import PriceBook
from billing.pricing import BookRow
from billing.selectors import book_named
from pictor.kit import clock

BOOK_HELP = "as NAME:VERSION, such as standard:2"


def read_book(text: str) -> PriceBook:
    """The book that is known as that."""
    name, _, version = text.rpartition(":")
    book = book_named(name, int(version)) if version.isascii() and version.isdigit() else None
    if book is None:
        raise CommandError(f"there is no price book {text!r}; `manage.py price list` shows them")
    return book


def read_rows(file: str, *, may_be_none: bool) -> list[BookRow]:
    """The prices of a CSV file; `-` is standard input."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
        rows = price_csv.read(text)
    except (OSError, ValueError) as error:
        raise CommandError(f"{file}: {error}") from None
    if not rows and not may_be_none:
        raise CommandError(f"{file} has no prices")
    return rows


def read_number(text: str | None) -> int | None:
    """How many prices; None for nothing."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise CommandError(f"{text!r} is not a number of prices")
    return int(text)


def read_markup(text: str | None) -> Decimal | None:
    """A factor; None stays None."""
    if text is None:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        raise CommandError(f"{text!r} is not a number") from None


def read_begin(text: str | None) -> datetime:
    """A time with its zone; now, where none was said."""
    return clock.now() if text is None else read_time(text)
