"""Books and prices on the pages of price books, of price lists and of tenants' prices."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import QueryDict

from accounts.models import AuditEvent, Tenant
from billing.models import PriceBook, PriceList
from billing.price_changes import PriceChange
from billing.price_rows import PriceKey
from billing.price_stops import Confirmed
from billing.selectors import CURRENT, DRAFT, PAST, SCHEDULED, WITHDRAWN, books_owned_by
from billing.selectors.office.price_lists import price_list_by_id
from billing.selectors.office.repricing import price_book_in_full
from billing.selectors.office.sold import Bought, bought
from console.ops.access import Mode, or_404
from console.ops.reasons import MAX_REASON_CHARS
from console.parts.sentences import sentence
from pictor.kit.words import clock, typed
from pictor.kit.words.money import to_decimal

SALES_DAYS = 30
"""Number of past days whose sales are shown."""
MAX_SHOWN_ROWS = 200
"""Prices, their changes, books and tenants on a page."""
BADGES: Mapping[str, tuple[str, str]] = {
    SCHEDULED: ("info", "Scheduled"),
    CURRENT: ("ok", "In force"),
    DRAFT: ("idle", "Draft"),
    PAST: ("idle", "Past"),
    WITHDRAWN: ("warn", "Withdrawn"),
}
"""The state of a book as a colour and a word, in the order of the list."""
_SINCE: Mapping[str, str] = {
    SCHEDULED: "takes over at",
    CURRENT: "since",
    DRAFT: "drafted for",
    PAST: "once in force from",
    WITHDRAWN: "would have begun at",
}


@dataclass(frozen=True, slots=True)
class ShownBook:
    """A book with the values that pages show.

    Attributes:
        decided: the audit event of its publication, or of its draft.
        number: number of its prices, on pages that show it.
    """

    book: PriceBook
    decided: AuditEvent | None = None
    number: int = 0

    @property
    def state(self) -> str:
        """The state, one of BADGES."""
        return self.book.state

    @property
    def badge(self) -> tuple[str, str]:
        return BADGES[self.book.state]

    @property
    def since(self) -> str:
        return _SINCE[self.book.state]

    @property
    def begins(self) -> object:
        """The start of the book; the time of publication if that was later."""
        published = self.book.published_at
        return max(self.book.effective_from, published) if published else self.book.effective_from

    @property
    def whose(self) -> str:
        if self.book.list_name:
            return f"Tenants on {self.book.list_name}"
        return self.tenant.name if self.tenant else "Everyone"

    @property
    def tenant(self) -> Tenant | None:
        """The tenant whose own prices these are; None for a shared list's and everyone's."""
        return None if self.book.list_name else self.book.tenant

    @property
    def by(self) -> str:
        """The name of the person who published or drafted it; empty if it is no longer known."""
        return self.decided.actor_name if self.decided else ""


@dataclass(frozen=True, slots=True)
class ListPrice:
    """A price beside the one that it overrides or replaces, and the images sold in 30 days."""

    change: PriceChange
    images: int


def book_or_404(book: int) -> PriceBook:
    """Return the book with its state and the time of its draft, or raise Http404."""
    return or_404(price_book_in_full(book, clock.now()))


def list_or_404(price_list: UUID) -> PriceList:
    return or_404(price_list_by_id(price_list))


def cells_of(
    changes: Sequence[PriceChange], tenants: Collection[UUID], *, now: datetime, mode: Mode
) -> list[ListPrice]:
    """Return prices with the images bought by these tenants, most sold first.

    Test requests buy nothing.
    """
    sold: Mapping[PriceKey, Bought] = {}
    if mode != Mode.TEST:
        today = now.astimezone(UTC).date()
        sold = bought(tenants, days=SALES_DAYS, to=today, is_demo=mode == Mode.DEMO)
    cells = [
        ListPrice(change, sold[change.key].images if change.key in sold else 0)
        for change in changes
    ]
    return sorted(cells, key=lambda cell: (-cell.images, cell.change.key))


def books_of(owner: UUID, now: datetime) -> list[ShownBook]:
    return [ShownBook(book) for book in books_owned_by(owner, now, limit=MAX_SHOWN_ROWS)]


def cells_of_change(change: PriceChange, images: int) -> list[Any]:
    """Return the cells of a CSV: the key, both prices, the change in percent, and the images."""
    prices = ["" if row is None else to_decimal(row.unit) for row in (change.was, change.becomes)]
    percent = "" if change.percent is None else f"{change.percent:.1f}"
    return [*change.key, *prices, percent, images]


def confirmed_in(query: QueryDict) -> Confirmed:
    """Return the confirmation typed for a stopped decision. Raises ValueError."""
    reason = query.get("reason", "").replace("\0", "").strip()
    if len(reason) > MAX_REASON_CHARS:
        raise ValueError(f"at most {MAX_REASON_CHARS} characters of a reason are kept")
    return Confirmed(reason, _number(query, "changes"), _number(query, "below_cost"))


def _number(query: QueryDict, name: str) -> int | None:
    text = query.get(name, "").strip()
    return typed.number(text) if text else None


def words_of(error: ValidationError | ValueError) -> str:
    if not isinstance(error, ValidationError):
        return sentence(str(error))
    if not hasattr(error, "error_dict"):
        return sentence(" ".join(error.messages))
    named = [
        message if name == NON_FIELD_ERRORS else f"{name}: {message}"
        for name, messages in error.message_dict.items()
        for message in messages
    ]
    return sentence(" ".join(named))
