"""What accounts asks of the ledger, which lies above it and plugs itself in (`kit/plugs.py`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NotRequired, Protocol, TypedDict
from uuid import UUID

from typing_extensions import Unpack

from pictor.kit.money import Micros
from pictor.kit.plugs import Plug

if TYPE_CHECKING:  # apps plug in before there are models
    from accounts.models import Actor


class Why(TypedDict):
    """Who moves money from where, and why.

    `reason` is what the tenant reads in its ledger; `note` is for staff alone. `once` is the id of
    the page's form that moves it: sent again, it moves nothing more.
    """

    actor: "Actor"
    reason: str
    note: NotRequired[str]
    ip: NotRequired[str | None]
    once: NotRequired[UUID | None]


class Reversed(Protocol):
    """What a reversal says of itself."""

    @property
    def amount(self) -> Micros:
        """What was taken back."""

    @property
    def shortfall(self) -> Micros:
        """What is still to be taken back: it is spent, or on hold, or was not asked for."""


class Moved(Protocol):
    """What a transfer says of itself. Amounts are micros."""

    id: int
    seq: int | None
    kind: str
    amount: int
    available_after: int | None
    created_at: datetime
    reason: str


class Ledger(Protocol):
    """Whoever keeps the tenants' money. Each change is part of the caller's transaction."""

    def open_account(self, *, tenant_id: UUID) -> object:
        """An account for a tenant, with nothing in it. Safe to call again."""

    def top_up(self, *, tenant_id: UUID, amount: Micros, **why: Unpack[Why]) -> object:
        """Money the tenant paid in. Raises ValidationError unless it is above 0."""

    def book_payment(self, *, tenant_id: UUID, amount: Micros, **why: Unpack[Why]) -> object:
        """A payment that has arrived, by the reference that it came with, which is the reason.

        Raises ValidationError unless it is above 0, and for a reference that is booked already.
        """

    def credit(self, *, tenant_id: UUID, amount: Micros, **why: Unpack[Why]) -> object:
        """A gift of the operator's. Raises ValidationError unless it is above 0."""

    def refund(
        self, *, tenant_id: UUID, generation_id: UUID, amount: Micros, **why: Unpack[Why]
    ) -> object:
        """Give back what a generation was charged, or a part of it.

        Raises ValidationError unless it is above 0, and at most what is not refunded yet.
        """

    def adjust(self, *, tenant_id: UUID, amount: Micros, **why: Unpack[Why]) -> object:
        """Correct a mistake: below 0 takes. Raises ValidationError for 0 or more than there is."""

    def reverse(
        self, *, tenant_id: UUID, seq: int, amount: Micros | None, **why: Unpack[Why]
    ) -> "Reversed":
        """Take back a top-up or a credit, or a part of it. Without an amount, all that can be.

        Raises ValidationError for what is neither, and for more than is left of it or available.
        """

    def latest_transfers(self, tenant_id: UUID, *, limit: int) -> Sequence["Moved"]:
        """A tenant's last transfers, newest first."""

    def available_to(self, tenant_id: UUID) -> Micros:
        """What the tenant can spend now."""

    def in_flight_of(self, tenant_id: UUID) -> int:
        """How many of the tenant's generations are under way: what they cost is on hold."""


ledger = Plug[Ledger]("accounts has no ledger")
