"""Books and their changes for `manage.py price`, as JSON values and as lines."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from accounts.models import Tenant
from billing.models import PriceBook, PriceList
from billing.price_changes import PriceChange
from billing.price_rows import PriceRow
from billing.price_stops import Stops
from billing.selectors import following
from billing.selectors.office.price_lists import moved_by, whose
from billing.selectors.office.price_stops import price_changes
from billing.selectors.office.whatif import Forecast
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal


def date_of(book: PriceBook) -> str:
    return book.effective_from.isoformat()


def book_facts(book: PriceBook) -> dict[str, Any]:
    """Describe a book without its prices; everyone's has neither a `tenant` nor a `list`."""
    owner = book.owner
    return {
        "book": book.known_as,
        "tenant": owner.public_id if isinstance(owner, Tenant) else None,
        "list": owner.name if isinstance(owner, PriceList) else None,
        "markup": f"{book.markup.normalize():f}",
        "effective_from": date_of(book),
    }


def changes_of(book: PriceBook, stops: Stops) -> dict[str, Any]:
    """Describe a book's changes, and the confirmations they need: numbers if they must be typed."""
    return {
        "changes": [_change_facts(change) for change in price_changes(book, clock.now())],
        "stops": {
            "changes": stops.number_of_changes,
            "below_cost": stops.number_below_cost,
            "later": [
                {"book": step.later, "changes": [_change_facts(change) for change in step.changes]}
                for step in stops.steps
                if step.later
            ],
            "prices_below_cost": [str(cell) for cell in stops.below],
            "unknown_cost": [" ".join(key) for key in stops.unknown],
        },
    }


def change_lines(
    book: PriceBook, stops: Stops, *, withdrawn: Collection[int] = ()
) -> Iterator[str]:
    """Yield the same as lines for a person; for a shared list also the number of its tenants.

    The `withdrawn` books, which are to be withdrawn with it, are ignored.
    """
    changes = price_changes(book, clock.now(), withdrawn=withdrawn)
    yield from map(str, changes)
    if not changes:
        yield "It changes no price."
    if book.price_list is not None:
        yield f"{whose(book)}: {moved_by(book)}"
    for step in stops.steps:
        yield from (f"{step.later}: {change}" for change in step.changes if step.later)
    yield from map(str, stops.below)
    yield from stops.lines


def forecast_words(what: Forecast) -> dict[str, Any]:
    """Describe the revenue of the last 30 days under a book; `left_out` is on neither side."""
    facts = what.facts
    return {
        "from": what.first.isoformat(),
        "until": None if what.until is None else what.until.isoformat(),
        "was": to_decimal(facts.was),
        "would_be": to_decimal(facts.becomes),
        "percent": None if facts.percent is None else round(facts.percent, 1),
        "most_touched": [
            {
                "tenant": tenant.public_id,
                "name": tenant.name,
                "was": to_decimal(effect.was),
                "would_be": to_decimal(effect.becomes),
            }
            for tenant, effect in what.most_touched
        ],
        "left_out": [
            {
                **dict(zip(("model", "size", "quality"), left_out.key, strict=True)),
                "why": str(left_out.why),
                "images": left_out.images,
                "was": to_decimal(left_out.captured),
            }
            for left_out in facts.left_out
        ],
    }


def followers(book: PriceBook) -> Sequence[PriceBook]:
    return following(book.tenant_id, max(book.effective_from, clock.now()))


def follower_lines(book: PriceBook, *, withdrawn: Collection[int] = ()) -> list[str]:
    """Return the same as lines for a person, each with the command that prevents it."""
    return [
        f"{follower.known_as} takes over at {date_of(follower)}."
        f" To keep it from that: manage.py price withdraw {follower.known_as}"
        for follower in followers(book)
        if follower.pk not in withdrawn
    ]


def _change_facts(change: PriceChange) -> dict[str, Any]:
    model, size, quality = change.key
    return {
        "model": model,
        "size": size,
        "quality": quality,
        "was": _price_facts(change.was),
        "becomes": _price_facts(change.becomes),
    }


def _price_facts(row: PriceRow | None) -> dict[str, str] | None:
    return None if row is None else {"usd": to_decimal(row.unit), "kind": row.kind}
