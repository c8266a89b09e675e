"""Parses the arguments of `manage.py price`: books, lists, files, numbers, times."""

from contextlib import suppress
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.core.management.base import CommandError

from accounts.management.operator import found, read_file, read_tenant, read_typed
from billing import price_csv
from billing.models import PriceBook, PriceList
from billing.price_rows import BookRow
from billing.selectors import book_named
from billing.selectors.office.price_lists import price_list_named
from billing.selectors.office.repricing import rows_with_one_model
from billing.services.office.price_lists import NO_LIST
from pictor.kit.words import typed

BOOK_HELP = "as NAME:VERSION, such as standard:2"


def read_book(text: str) -> PriceBook:
    """Return the book with this name and version. Raises CommandError."""
    name, _, version = text.rpartition(":")
    book = None
    with suppress(ValueError):
        book = book_named(name, typed.number(version))
    return found(book, f"there is no price book {text!r}; `manage.py price list` shows them")


def read_rows(file: str, *, owner: UUID | None, only: str | None) -> list[BookRow]:
    """Read an owner's prices of a CSV file; `-` is standard input. Raises CommandError.

    If it has `only` that model, the prices in force of others stay.
    """

    def parse(text: str) -> list[BookRow]:
        rows = price_csv.read(text)
        return rows_with_one_model(owner, only, rows) if rows and only else rows

    rows = read_file(file, parse)
    if not rows and (only or owner is None):
        raise CommandError(f"{file} has no prices")
    return rows


def read_list(name: str) -> PriceList | None:
    """Return the shared list of that name; None for NO_LIST. Raises CommandError."""
    if name.lower() == NO_LIST:
        return None
    otherwise = f"there is no shared list {name!r}; `manage.py price lists` shows them"
    return found(price_list_named(name), otherwise)


def read_owner(tenant: str | None, shared: str | None) -> UUID | None:
    """Return the id of a tenant or shared list; None for everyone. Raises CommandError."""
    if tenant:
        return read_tenant(tenant).id
    if not shared:
        return None
    price_list = read_list(shared)
    if price_list is None:
        raise CommandError(
            f"{NO_LIST!r} is not a shared list: leave out --list for everyone's prices"
        )
    return price_list.id


def read_number(text: str | None) -> int | None:
    """Read a number of prices; None for an empty text. Raises CommandError."""
    return read_typed(typed.number, text) if text else None


def read_markup(text: str | None) -> Decimal | None:
    """Read a factor; None stays None. Raises CommandError."""
    return None if text is None else read_typed(partial(typed.decimal, such_as="1.2"), text)
