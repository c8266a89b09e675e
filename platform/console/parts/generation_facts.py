"""Facts about a generation that both consoles show: what was asked for, made, and paid."""

from collections.abc import Callable, Sequence

from django.utils.timezone import localtime

from billing.models import PriceBook
from billing.selectors import books_of
from console.amounts import amount, price
from console.parts.cells import Cell, Fact, fact
from console.parts.generation_words import pixels, tier
from console.parts.pictures import otherwise, released_of
from generation.models import Generation


def request_facts(made: Generation) -> list[Fact]:
    """What was asked for and what was delivered; the answer knows it after the images are gone."""
    number = f"{made.n} \N{MULTIPLICATION SIGN} " if made.n > 1 else ""
    delivered: list[str] = (made.answer or {}).get("metadata", {}).get("delivered_sizes", [])
    differs = bool(otherwise(made, delivered))
    sizes = ", ".join(map(pixels, delivered)) + ("" if differs else " ✓")
    tone = "warn" if differs else ""
    source = f" ({made.quality_source})" if made.quality_source else ""
    return [
        fact("Model", made.model),
        fact("Asked for", f"{number}{pixels(made.size_requested)} ({tier(made.tier)})"),
        *([fact("Delivered", sizes, tone=tone)] if delivered else []),
        *([fact("Priced as", "the lower of the two sizes", tone=tone)] if differs else []),
        fact("Quality", (made.quality_billed or made.quality_requested) + source),
    ]


def money_facts(made: Generation) -> list[Fact]:
    """The hold and the charge; of a test, what a live key would have been charged."""
    captured = "not yet" if made.captured_micros is None else price(made.captured_micros)
    if not made.livemode:
        would = captured if made.is_final else f"at most {amount(made.held_micros)}"
        return [fact("Charged", "nothing: a test"), fact("With a live key", would)]
    return [
        fact("Held at most", amount(made.held_micros)),
        fact("Charged", captured),
        *([fact("Released", amount(released_of(made)))] if made.is_final else []),
    ]


def books_cells(made: Generation, page: Callable[[PriceBook], str]) -> list[Cell]:
    """The price books that it was quoted by, the tenant's own first, each with its `page`."""
    books = reversed(books_of(made.priced["books"]))
    return [Cell(f"{book.name}, version {book.version}", page(book)) for book in books]


def origin_facts(made: Generation, books: Sequence[Cell]) -> list[Fact]:
    """Where its prices stand, and which request made it at what time."""
    at = localtime(made.created_at)
    return [
        *([Fact("Price list", books)] if books else []),
        fact("Request id", made.request_id, is_code=True),
        fact("Made", f"{at:%-d %b %Y, %H:%M:%S} {at.tzinfo}"),
    ]
