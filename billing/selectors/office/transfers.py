"""Transfers as an operator searches them: of all tenants or one, newest first."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from billing.models import Transfer
from billing.transfer_seals import first_seal, seal_of

MAX_SCANNED_ROWS = 100_000
"""The most transfers that a filtered page scans: no index covers kind or time for all tenants."""

NAMING_ANOTHER = (
    Transfer.Kind.REVERSAL,
    Transfer.Kind.PAY_BACK,
    Transfer.Kind.PAID_BACK,
    Transfer.Kind.PAY_BACK_FAILED,
    Transfer.Kind.CHARGEBACK,
    Transfer.Kind.REINSTATED,
)
"""The kinds that name a top-up or credit by its number."""


@dataclass(frozen=True, slots=True)
class TransferFilter:
    """A search for transfers: by tenant, by kind, from `since` to before `until`; None for any."""

    tenant_id: UUID | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, move: Transfer) -> bool:
        """True if a transfer that was found by its id is among those sought."""
        is_in_time = (self.since is None or self.since <= move.created_at) and (
            self.until is None or move.created_at < self.until
        )
        is_theirs = self.tenant_id in {None, move.tenant_id}
        return is_in_time and is_theirs and self.kind in {None, move.kind}

    @property
    def is_narrow(self) -> bool:
        """True if the search may have to skip rows."""
        return any(value is not None for value in (self.kind, self.since, self.until))


@dataclass(frozen=True, slots=True)
class TransferPage:
    """A page of transfers, and the place to go on from; None at the end.

    `is_cut` tells that MAX_SCANNED_ROWS were scanned before the page was full.
    """

    rows: list[Transfer]
    after: int | None
    is_cut: bool = False


def transfers_like(sought: TransferFilter, *, after: int | None, limit: int) -> TransferPage:
    """Return the transfers after a place, newest first.

    A place is a transfer's id or, in a search for one tenant, its number.
    """
    place = "id" if sought.tenant_id is None else "seq"
    start = after if after is not None else _end(sought, place)
    least = start - MAX_SCANNED_ROWS if sought.is_narrow else 0
    transfers = _matching(sought).filter(**{f"{place}__lt": start, f"{place}__gte": max(least, 0)})
    rows = list(transfers.select_related("tenant").order_by(f"-{place}")[: limit + 1])
    if len(rows) > limit:
        return TransferPage(rows[:limit], getattr(rows[limit - 1], place))
    return TransferPage(rows, least, is_cut=True) if least > 0 else TransferPage(rows, None)


def _end(sought: TransferFilter, place: str) -> int:
    """Return a place past the newest transfer."""
    mine = _matching(TransferFilter(tenant_id=sought.tenant_id))
    last: int | None = mine.order_by(f"-{place}").values_list(place, flat=True).first()
    return (last or 0) + 1


def _matching(sought: TransferFilter) -> QuerySet[Transfer]:
    lookups = {
        "tenant_id": sought.tenant_id,
        "kind": sought.kind,
        "created_at__gte": sought.since,
        "created_at__lt": sought.until,
    }
    given = {name: value for name, value in lookups.items() if value is not None}
    return Transfer.objects.filter(**given)


def carries_its_seal(transfer: Transfer) -> bool | None:
    """True if the transfer matches its seal, given the transfer before it.

    None for a transfer from before the chain of seals, and for the first after those.
    """
    if transfer.seal is None:
        return None
    if transfer.tenant_id is None:
        return bytes(transfer.seal) == seal_of(transfer.sealed)
    seq = transfer.seq or 0
    if seq <= 1:
        previous = first_seal(transfer.tenant_id)
    else:
        rows = Transfer.objects.filter(tenant_id=transfer.tenant_id, seq=seq - 1)
        seal = rows.values_list("seal", flat=True).first()
        if seal is None:
            return None
        previous = bytes(seal)
    return bytes(transfer.seal) == seal_of(transfer.sealed, previous)


def reversals_of(transfer: Transfer) -> list[Transfer]:
    """Return what took back a tenant's top-up or credit, or gave it back again, in order."""
    if transfer.tenant_id is None:
        return []
    taken = Transfer.objects.filter(tenant_id=transfer.tenant_id, kind__in=NAMING_ANOTHER)
    return list(taken.filter(reverses_seq=transfer.seq).order_by("seq"))


def corrections_of_cost(transfer: Transfer) -> list[Transfer]:
    """Return the corrections that vendors' bills made to an attempt's cost or loss, in order."""
    if transfer.attempt_id is None or transfer.kind == Transfer.Kind.COST_CORRECTION:
        return []
    return list(Transfer.objects.filter(corrects_id=transfer.attempt_id).order_by("id"))
