"""The calls of accounts to the ledger above, which plugs itself in (`plugs.py`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NotRequired, Protocol, TypedDict
from uuid import UUID

from typing_extensions import Unpack

from pictor.kit.running.plugs import Plug
from pictor.kit.words.money import Micros

if TYPE_CHECKING:  # apps plug in before there are models
    from accounts.models import Actor


class TransferReason(TypedDict):
    """The actor and the reason of a transfer.

    `reason` is what the tenant reads in its ledger; `note` is only for staff.
    """

    actor: "Actor"
    reason: str
    note: NotRequired[str]
    ip: NotRequired[str | None]


@dataclass(frozen=True, slots=True)
class Window:
    """The outage that a credit is for: from `since` to before `until`, of one model or all."""

    since: datetime
    until: datetime
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedMove:
    """A transfer that a person requests.

    Attributes:
        kind: `top_up`, `credit`, `refund`, `adjustment`, `reversal` or `pay_back`.
        amount: above 0, except for an adjustment that takes money.
        seq: for a reversal or a pay-back, the number of the tenant's transfer to take back.
        generation_id: for a refund, its generation; for a credit, the failed generation, if any.
        outage: for a credit after an outage; a tenant gets one credit for that time.
        reason: text for the tenant; for a top-up, the payment's reference.
        note: only for staff.
    """

    tenant_id: UUID
    kind: str
    amount: Micros
    seq: int | None = None
    generation_id: UUID | None = None
    outage: Window | None = None
    reason: str
    note: str = ""


class Move(Protocol):
    """The result of a requested move."""

    id: UUID
    transfer_id: int | None
    expires_at: datetime | None


class Moved(Protocol):
    """The facts of a transfer. Amounts are micros."""

    id: int
    seq: int | None
    kind: str
    amount: int
    available_after: int | None
    created_at: datetime
    reason: str


class Ledger(Protocol):
    """The keeper of tenants' money. Each change is part of the caller's transaction."""

    def open_account(self, *, tenant_id: UUID) -> object:
        """Open an empty account for a tenant. Safe to call again."""

    def top_up(self, *, tenant_id: UUID, amount: Micros, **why: Unpack[TransferReason]) -> object:
        """Book money that the tenant paid in. Raises ValidationError unless it is above 0."""

    def credit(self, *, tenant_id: UUID, amount: Micros, **why: Unpack[TransferReason]) -> object:
        """Book a gift of the operator. Raises ValidationError unless it is above 0."""

    def move_money(
        self,
        *,
        once: UUID,
        requested: RequestedMove,
        actor: "Actor",
        now: datetime,
        ip: str | None = None,
    ) -> Move:
        """Make the requested transfer, once per `once`; a large one waits for a second person.

        Raises ValidationError if it cannot be made, if the payment's reference is booked already,
        or if `once` was used for another request.
        """

    def reversible(self, *, tenant_id: UUID, seq: int) -> tuple[Micros, Micros]:
        """Return the rest of a top-up or credit, and the part of it that can be taken back now.

        Raises ValidationError for any other transfer, and for one that is fully reversed.
        """

    def give_price_list(
        self,
        *,
        tenant_id: UUID,
        name: str,
        actor: "Actor",
        now: datetime,
        ip: str | None = None,
    ) -> object:
        """Assign the shared price list of this name to a new tenant.

        Raises ValidationError if there is no such list.
        """

    def latest_transfers(self, tenant_id: UUID, *, limit: int) -> Sequence["Moved"]:
        """A tenant's latest transfers, newest first."""

    def available_to(self, tenant_id: UUID) -> Micros:
        """The tenant's available balance."""

    def in_flight_of(self, tenant_id: UUID) -> int:
        """The number of the tenant's running generations, each with a hold."""


ledger = Plug[Ledger]("accounts.ledger is not plugged in")
