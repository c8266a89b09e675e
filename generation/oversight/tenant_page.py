"""All that the operators' page of one tenant shows: money, status, keys, members and data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import ApiKey, Invitation, MemberChange, Membership, Tenant
from accounts.selectors.office.api_keys import counted_keys_of
from accounts.selectors.office.audit import notes_about, suspended_because
from accounts.selectors.office.members import (
    HAS_MEMBER_CHANGES,
    invitations_of,
    members_of,
    waiting_member_changes,
)
from accounts.selectors.office.tenants import tenants_like
from billing.models import Transfer
from billing.selectors.office.balances import latest_transfers
from billing.selectors.office.customers import NO_FIGURES, CustomerFigures, customer_figures
from generation.models import Stop
from generation.selectors import sandbox_names
from pictor.kit.words import ids
from storage.models import TenantExport
from storage.selectors import exports_of

SHOWN_MOVES = 20
"""Number of moves by operators; transfers of requests are in the ledger."""
MOVED = tuple(
    Transfer.Kind(kind)
    for kind in ("top_up", "credit", "refund", "adjustment", "reversal", "pay_back")
)


@dataclass(frozen=True, slots=True)
class TenantPage:
    """A tenant's present state.

    Attributes:
        reason: the reason of its suspension; empty while its requests are accepted.
        moves: the latest moves by operators, each with staff's note about it.
        keys: a page of its keys, revoked ones included, newest first.
        number_of_keys: the number of all its keys; 0 if none is on this page.
        changes: of its members, that staff asked for.
        export: the latest export of its data; None while it is suspended.
    """

    figures: CustomerFigures
    reason: str
    moves: Sequence[tuple[Transfer, str]]
    keys: Sequence[ApiKey]
    number_of_keys: int
    members: Sequence[Membership]
    invitations: Sequence[Invitation]
    changes: Iterable[MemberChange]
    export: TenantExport | None


def tenant_page(
    tenant: Tenant, now: datetime, *, is_demo: bool, keys_after: UUID | None, max_keys: int
) -> TenantPage:
    """Read the page; `is_demo` counts the demo data's generations and sales instead of all others.

    The keys are at most `max_keys` older than `keys_after`.
    """
    is_active = tenant.status == Tenant.Status.ACTIVE
    figures = customer_figures(
        now=now, without_channels=sandbox_names(), is_demo=is_demo, tenants=[tenant.id]
    )
    moves = latest_transfers(tenant.id, kinds=MOVED, limit=SHOWN_MOVES)
    notes = notes_about("transfer", [str(move.id) for move in moves])
    keys, number_of_keys = counted_keys_of(tenant.id, after=keys_after, limit=max_keys)
    return TenantPage(
        figures=figures.get(tenant.id, NO_FIGURES),
        reason="" if is_active else suspended_because(tenant.id),
        moves=[(move, notes.get(str(move.id), "")) for move in moves],
        keys=keys,
        number_of_keys=number_of_keys,
        members=members_of(tenant.id),
        invitations=invitations_of(tenant.id, now=now),
        changes=waiting_member_changes(now, tenant_id=tenant.id) if tenant.has_changes else [],  # type: ignore[attr-defined]  # annotated by tenant_and_stop
        export=next(iter(exports_of(tenant.id)), None) if is_active else None,
    )


def tenants_and_stops(text: str) -> list[Tenant]:
    """Tenants like that text; `is_stopped` of each is whether the stop switch is on for it."""
    return list(_with_stops(tenants_like(text)))


def tenant_and_stop(public_id: str) -> Tenant | None:
    """The tenant with this public id, with `is_stopped`, and `has_changes` of its members."""
    if ids.parse(ids.TENANT, public_id) is None:
        return None
    return _with_stops(tenants_like(public_id)).annotate(has_changes=HAS_MEMBER_CHANGES).first()


def _with_stops(tenants: QuerySet[Tenant]) -> QuerySet[Tenant]:
    stops = Stop.objects.filter(ended_at=None, tenant=OuterRef("pk"))
    return tenants.annotate(is_stopped=Exists(stops))
