"""The actions of `manage.py price` on drafts: copy, change, undo, set a markup, discard."""

from argparse import _SubParsersAction
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from accounts.management.operator import ACTOR, OperatorCommand, ask
from billing.management.price_facts import book_facts
from billing.management.price_words import BOOK_HELP, read_book, read_markup
from billing.models import PriceBook
from billing.price_rows import BookRow, price_words
from billing.repricing import Repriced, RowChange, operation, reprice, reprice_by_hand
from billing.selectors import rows_of
from billing.selectors.office.repricing import known_costs
from billing.services.office.prices import change_price_book, discard_price_book, draft_price_book
from billing.services.office.repricing import change_prices, check_plan, undo_prices
from pictor.kit.words import clock
from pictor.kit.words.money import scale_half_up, to_decimal

OPERATIONS = {
    "by": ("PERCENT", "raise by a percentage, such as 5%%; lower by --by=-5%%"),
    "cost_times": ("X", "a multiple of an image's cost, such as 1.3"),
    "round_up": ("USD", "round charges up to a multiple, such as 0.001"),
    "to": ("USD", "the list price itself, such as 0.21"),
}


def add_draft_actions(actions: "_SubParsersAction[CommandParser]") -> None:
    copy = actions.add_parser("draft", help="copy a book as its next version, a draft")
    change = actions.add_parser("change", help="change prices of a draft, shown first; always asks")
    markup = actions.add_parser("markup", help="set the factor for each price of a draft")
    undo = actions.add_parser("undo", help="undo the last change of a draft's prices")
    discard = actions.add_parser("discard", help="discard a draft")
    for subparser in (copy, change, markup, undo, discard):
        subparser.add_argument("book", help=BOOK_HELP)
        subparser.add_argument("--json", action="store_true")
    markup.add_argument("markup", metavar="X", help="such as 1.2")
    for name in ("model", "size", "quality"):
        words = f"only this {name}; repeatable; default: every {name}"
        change.add_argument(f"--{name}", action="append", default=[], help=words)
    how = change.add_mutually_exclusive_group(required=True)
    for name, (value, words) in OPERATIONS.items():
        how.add_argument(f"--{name.replace('_', '-')}", metavar=value, help=words)


class DraftActions(OperatorCommand):
    """Actions on drafts, which charge no tenant."""

    def _draft(self, options: dict[str, Any]) -> None:
        of = read_book(options["book"])
        book = draft_price_book(
            name=of.name,
            rows=rows_of(of),
            effective_from=clock.now(),
            markup=of.markup,
            tenant_id=of.tenant_id,
            actor=ACTOR,
        )
        self.tell(options, book_facts(book), f"{book.known_as} is a draft, a copy of {of.known_as}")

    def _change(self, options: dict[str, Any]) -> None:
        book = read_book(options["book"])
        plan = _plan(book, options)
        for line in _lines(plan, book):
            self.aside(options).write(line)
        if plan.changes:
            ask(self.aside(options), f"Change {len(plan.changes)} prices of {book.known_as}?")
            change_prices(book=book, changes=plan.changes, actor=ACTOR)
        facts = {
            **book_facts(book),
            "changed": [_fact(change) for change in plan.changes],
            "unknown_cost": [" ".join(key) for key in plan.unknown],
            "held_only": [" ".join(key) for key in plan.by_formula],
        }
        self.tell(options, facts, f"changed prices: {len(plan.changes)}")

    def _undo(self, options: dict[str, Any]) -> None:
        book = read_book(options["book"])
        number = undo_prices(book=book, actor=ACTOR)
        facts = {**book_facts(book), "as_before": number}
        self.tell(options, facts, f"prices of {book.known_as} as before: {number}")

    def _markup(self, options: dict[str, Any]) -> None:
        book, markup = read_book(options["book"]), read_markup(options["markup"])
        if not markup or markup < 0:
            raise CommandError(f"{options['markup']!r} is not a factor above 0")
        before = book.markup
        change_price_book(
            book=book,
            effective_from=book.effective_from,
            markup=markup,
            tenant_id=book.tenant_id,
            actor=ACTOR,
        )
        words = f"markup of {book.known_as}: {before.normalize():f} -> {markup.normalize():f}"
        self.tell(options, book_facts(book), words)

    def _discard(self, options: dict[str, Any]) -> None:
        book = read_book(options["book"])
        facts = book_facts(book)
        discard_price_book(book=book, actor=ACTOR)
        self.tell(options, facts, f"{facts['book']} is discarded")


def _plan(book: PriceBook, options: dict[str, Any]) -> Repriced:
    """Return the changes that the options ask for. Raises CommandError and ValidationError."""
    rows = _matching_rows(rows_of(book), options)
    if not rows:
        raise CommandError(f"{book.known_as} has no such prices")
    if book.published_at is not None:
        raise ValidationError("the book is published already")
    try:
        if (price := options["to"]) is not None:
            return check_plan(
                reprice_by_hand(rows, {row.key: price or "empty" for row in rows}), book.markup
            )
        name = next(name for name in OPERATIONS if options[name] is not None)
        how = operation(name.replace("_", "-"), options[name])
        plan = reprice(rows, how, markup=book.markup, costs=known_costs(clock.now()))
        return check_plan(plan, book.markup)
    except ValueError as error:
        raise CommandError(str(error)) from None


def _matching_rows(rows: list[BookRow], options: dict[str, Any]) -> list[BookRow]:
    wanted = (options["model"], options["size"], options["quality"])
    return [
        row
        for row in rows
        if all(not words or word in words for word, words in zip(row.key, wanted, strict=True))
    ]


def _lines(plan: Repriced, book: PriceBook) -> Iterator[str]:
    """Yield each change, the number perhaps mistyped, and the prices left out."""
    for change in plan.changes:
        was, becomes = (
            to_decimal(scale_half_up(row.micros, book.markup))
            for row in (change.was, change.becomes)
        )
        yield f"{' '.join(change.key)}: {was} USD -> {becomes} USD"
    yield f"as before: {plan.same}"
    if plan.large:
        yield f"by more than 50 %, perhaps mistyped: {plan.large}"
    if plan.unknown:
        yield f"left out because their cost is unknown: {price_words(plan.unknown)}"
    if plan.by_formula:
        yield f"left out because they are only held: {price_words(plan.by_formula)}"


def _fact(change: RowChange) -> dict[str, str]:
    model, size, quality = change.key
    return {
        "model": model,
        "size": size,
        "quality": quality,
        "was": to_decimal(change.was.micros),
        "becomes": to_decimal(change.becomes.micros),
    }
