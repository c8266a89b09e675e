"""What is asked of a payment provider, and what it answers.

Amounts are whole US cents, dates are aware. A call opens no transaction and is never made inside
one. Each call may raise `ProviderRefused` (the provider said no: nothing was done), `ProviderAway`
(it is busy, or its answer was lost: to be repeated with the same key, which does it once) or
`ProviderUnsure` (its answer says neither: look before asking again, with another key).
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

NO_CARD = "no_card"
"""The code of `ProviderRefused` where there is no saved card to charge."""
MovementKind = Literal["charge", "refund", "withdrawal", "reinstatement"]


class ProviderError(Exception):
    """A call failed; `args[0]` says how, in words for a person, without a secret."""


class ProviderRefused(ProviderError):
    """The provider refused the call; `code` is its word for why."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class ProviderAway(ProviderError):
    """The provider was not heard, or asks to come back later."""


class ProviderForbidden(ProviderAway):
    """Our key lacks a permission, which an operator may still give it."""


class ProviderUnsure(ProviderError):
    """The provider failed while it worked; the call may have taken effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A page on which a customer pays once. `payment_id` is also the call's idempotency key."""

    payment_id: UUID
    tenant_id: UUID
    customer: str
    cents: int
    expires_at: datetime
    success_url: str
    cancel_url: str
    keeps_card: bool
    """True if the card is kept for automatic top-ups."""


@dataclass(frozen=True, slots=True)
class CheckoutPage:
    """Where the customer pays."""

    session_id: str
    url: str


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that the provider moved, or moves: one of its objects.

    `ours` is the id that we gave it, None if it was made elsewhere. A refund may fail after it was
    done. `dispute` is the dispute that a withdrawal or a reinstatement belongs to.
    """

    kind: MovementKind
    provider_id: str
    cents: int
    state: Literal["pending", "done", "failed"]
    at: datetime
    ours: UUID | None = None
    dispute: str = ""


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute, an inquiry (moves no money) or an early fraud warning about a payment."""

    kind: Literal["dispute", "inquiry", "warning"]
    provider_id: str
    state: Literal["open", "won", "lost", "closed"]
    reason: str
    cents: int
    opened_at: datetime
    fee_cents: int | None = None
    due_at: datetime | None = None
    """Until when it can be answered."""
    link: str = ""
    """The provider's page on which staff answer it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """The whole present state of one payment at the provider.

    `paid` is the provider's word that the money is there. `subtotal_cents` is what was asked for,
    `amount_cents` what was charged, with tax. `live` is False for a test mode's objects. `declined`
    is the provider's code for why the card was refused; `stops` is True where it advises never to
    try again, `needs_customer` where the customer has to confirm on `invoice_url`.
    """

    state: Literal["open", "paid", "failed", "expired"]
    live: bool
    subtotal_cents: int
    currency: str
    amount_cents: int | None = None
    tax_cents: int | None = None
    fee_cents: int | None = None
    fee_currency: str = ""
    session_id: str = ""
    payment_intent_id: str = ""
    charge_id: str = ""
    invoice_id: str = ""
    invoice_number: str = ""
    invoice_url: str = ""
    receipt_url: str = ""
    card_brand: str = ""
    card_last4: str = ""
    paid_at: datetime | None = None
    declined: str = ""
    stops: bool = False
    needs_customer: bool = False
    movements: tuple[Movement, ...] = ()
    disputes: tuple[Dispute, ...] = ()


@dataclass(frozen=True, slots=True)
class Ids:
    """The provider's ids of a payment that are known; empty if not."""

    payment_id: UUID
    session_id: str = ""
    payment_intent_id: str = ""
    invoice_id: str = ""


@dataclass(frozen=True, slots=True)
class PayBack:
    """A refund that is asked for: by credit note where there is an invoice, so that tax follows.

    `movement_id` is stored as metadata; `key` is the idempotency key, stored before the call.
    """

    movement_id: UUID
    key: str
    ids: Ids
    cents: int


@dataclass(frozen=True, slots=True)
class Event:
    """An event: that something happened to a payment, by whichever of these ids it has."""

    id: str
    type: str
    created_at: datetime
    live: bool
    payment_id: UUID | None = None
    session_id: str = ""
    payment_intent_id: str = ""
    charge_id: str = ""
    invoice_id: str = ""


@dataclass(frozen=True, slots=True)
class BalanceEntry:
    """A line of the provider's own books, for the daily comparison."""

    id: str
    kind: Literal["charge", "refund", "dispute", "other"]
    source_id: str
    """The charge, refund or dispute that it is of."""
    cents: int
    """Positive if money came to us."""
    payment_intent_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDetails:
    """What is kept of a workspace at the provider.

    Empty fields are taken out there, except an address that tax is computed by.
    """

    tenant_id: UUID
    name: str
    email: str
    address: str = ""
    tax_id: str = ""
    purchase_order: str = ""


class CardProvider(Protocol):
    """A provider of payments by card."""

    live: bool
    """False for a test mode's key: then everything it tells of has to be of that mode."""

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Let all calls of the block together take no longer, else raise `ProviderAway`.

        Without it one that a page makes takes 5 s: `keep_customer`, `begin`, `end`, `portal`.
        """

    def keep_customer(self, details: CustomerDetails, *, customer: str | None) -> str:
        """Make the workspace's customer, or send its details anew; return its id."""

    def forget_customer(self, customer: str) -> None:
        """Delete a customer with its cards; a deleted one is no error."""

    def has_card(self, customer: str) -> bool:
        """True if a saved card can be charged."""

    def begin(self, checkout: Checkout) -> CheckoutPage:
        """Make the page on which the customer pays."""

    def end(self, session_id: str) -> None:
        """Expire a page that nobody has paid on; one that has ended is no error."""

    def portal(self, customer: str, *, back_to: str) -> str:
        """Return the address of the provider's page with a customer's invoices and cards."""

    def present(self, ids: Ids) -> Present | None:
        """Return a payment's whole present state; None if the provider knows nothing of it."""

    def pay_back(self, asked: PayBack) -> Movement:
        """Ask for a refund. It is `pending` until `present` says more."""

    def paid_back(self, asked: PayBack) -> Movement | None:
        """Look a refund up by its metadata; None if it was never made."""

    def charge_saved_card(self, payment_id: UUID, *, customer: str, cents: int) -> Present:
        """Charge the default card while nobody is there, by an invoice; the same payment once.

        Returns what became of it: `paid`, or `failed` with why; the invoice stays open. It is
        `open` if the answer was lost: ask again. Raises ProviderRefused with NO_CARD.
        """

    def void(self, invoice_id: str) -> None:
        """Void an open invoice; one that is void or paid is no error."""

    def events(self, since: datetime) -> Iterator[Event]:
        """Return the events of known types since a time, oldest first."""

    def event_of(self, body: bytes, headers: Mapping[str, str]) -> Event | None:
        """Return a webhook's event, None for one of a type that is not known.

        Raises ValueError if it is not the provider's, or too old.
        """

    def entries(self, since: datetime, until: datetime) -> Iterator[BalanceEntry]:
        """Return the provider's own books in a time."""
