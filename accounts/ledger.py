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


class Why(TypedDict):
    """Who moves money from where, and why.

    `reason` is what the tenant reads in its ledger; `note` is for staff alone.
    """

    actor: "Actor"
    reason: str
    note: NotRequired[str]
    ip: NotRequired[str | None]


@dataclass(frozen=True, slots=True)
class Window:
    """The outage of a credit: from `since` to before `until`, of one model or all."""

    since: datetime
    until: datetime
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedMove:
    """What a person wants moved.

    Attributes:
        kind: `top_up`, `credit`, `refund`, `adjustment` or `reversal`.
        amount: above 0, but for an adjustment that takes.
        seq: of a reversal, the number of the tenant's transfer that it takes back.
        generation_id: of a refund; of a credit, the one that failed, if it is for one.
        outage: of a credit for one, when it was; a tenant gets one credit for that time.
        reason: what the tenant reads; of a top-up, the reference that the payment came with.
        note: for staff alone.
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
        """An account for a tenant, with nothing in it. Safe to call again."""

    def top_up(self, *, tenant_id: UUID, amount: Micros, **why: Unpack[Why]) -> object:
        """Money the tenant paid in. Raises ValidationError unless it is above 0."""

    def credit(self, *, tenant_id: UUID, amount: Micros, **why: Unpack[Why]) -> object:
        """A gift of the operator's. Raises ValidationError unless it is above 0."""

    def move_money(
        self,
        *,
        once: UUID,
        asked: AskedMove,
        actor: "Actor",
        now: datetime,
        ip: str | None = None,
    ) -> Move:
        """Move what is asked for, once by that id; it waits for another person where it is much.

        Raises ValidationError for what cannot be moved, a payment's reference that is booked
        already, and an id that was used for something else.
        """

    def reversible(self, *, tenant_id: UUID, seq: int) -> tuple[Micros, Micros]:
        """What is left of a top-up or a credit, and how much of that can be taken back now.

        Raises ValidationError for what is neither, or reversed as a whole.
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
        """Let a new tenant have the shared price list of that name.

        Raises ValidationError where there is none.
        """

    def latest_transfers(self, tenant_id: UUID, *, limit: int) -> Sequence["Moved"]:
        """A tenant's last transfers, newest first."""

    def available_to(self, tenant_id: UUID) -> Micros:
        """The tenant's available money."""

    def in_flight_of(self, tenant_id: UUID) -> int:
        """The number of the tenant's generations under way, whose cost is on hold."""


ledger = Plug[Ledger]("accounts has no ledger")
