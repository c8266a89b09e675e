"""One tenant: its money, status, limits, keys, members and data."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Membership, Tenant
from accounts.selectors import (
    counted_keys_of,
    invitations_of,
    members_of,
    notes_about,
    suspended_because,
)
from billing.models import Transfer
from billing.selectors import customer_figures, latest_transfers
from billing.services import REVERSED_KINDS
from console.ops.access import Mode, Operator, Permission, staff
from console.ops.tenants.founding import StandingForm, standing_of
from console.ops.tenants.rows import row_of, tenant_of
from console.parts.entries import LedgerEntry
from console.parts.form_fields import dressed
from generation.selectors import sandbox_names
from pictor.kit.words import clock, ids
from storage.selectors import exports_of

SHOWN_MOVES = 20
"""Number of moves by operators; transfers of requests are in the ledger."""
MAX_KEYS = 50
"""Number of keys on a page."""
MOVED = tuple(
    Transfer.Kind(kind) for kind in ("top_up", "credit", "refund", "adjustment", "reversal")
)


@staff(Permission.SEE)
@require_safe
def tenant(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    """Show everything about a tenant on one page."""
    return page(request, operator, tenant_of(tenant), status=HTTPStatus.OK)


def page(
    request: HttpRequest,
    operator: Operator,
    tenant: Tenant,
    *,
    refusal: str = "",
    limits: StandingForm | None = None,
    status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
) -> HttpResponse:
    """Render the page of a tenant, with a refusal or an invalid form if there is one."""
    now = clock.now()
    is_demo = operator.mode == Mode.DEMO
    figures = customer_figures(
        now=now, without_channels=sandbox_names(), is_demo=is_demo, tenants=[tenant.id]
    )
    moves = latest_transfers(tenant.id, kinds=MOVED, limit=SHOWN_MOVES)
    notes = notes_about("transfer", [str(move.id) for move in moves])
    after = ids.parse(ids.KEY, request.GET.get("after", ""))
    keys, number_of_keys = counted_keys_of(tenant.id, after=after, limit=MAX_KEYS + 1)
    shown = keys[:MAX_KEYS]
    context = {
        "operator": operator,
        "tenant": tenant,
        "row": (row := row_of(tenant, figures, now)),
        "figures": row.figures,
        "refusal": refusal,
        "typed": {request.resolver_match.url_name: request.POST} if request.resolver_match else {},
        "once": ids.new_uuid(),
        "why": "" if row.is_active else suspended_because(tenant.id),
        "moves": [
            (LedgerEntry(move), notes.get(str(move.id), ""), move.kind in REVERSED_KINDS)
            for move in moves
        ],
        "limits": limits or dressed(StandingForm(initial=standing_of(tenant))),
        "keys": [(key, key.status(now)) for key in shown],
        "keys_of_all": number_of_keys,
        "is_later": after is not None,
        "older_keys": shown[-1].public_id if len(keys) > MAX_KEYS else "",
        "members": members_of(tenant.id),
        "invitations": invitations_of(tenant.id, now=now),
        "roles": Membership.Role.choices,
        "export": next(iter(exports_of(tenant.id)), None) if row.is_active else None,
    }
    return render(request, "ops/tenant.html", context, status=status)
