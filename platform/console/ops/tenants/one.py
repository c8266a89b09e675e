"""One tenant: its money, status, limits, keys, members and data."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Tenant
from billing.models import Transfer
from billing.services.office.accounts import REVERSED_KINDS
from console.ops.access import Mode, Operator, Permission, staff
from console.ops.second_person import DECISIONS
from console.ops.tenants.rows import row_of, tenant_of
from console.parts.entries import LedgerEntry
from generation.oversight.tenant_page import tenant_page
from pictor.kit.words import clock, ids

MAX_KEYS = 50
"""Number of keys on a page."""


@staff(Permission.SEE)
@require_safe
def tenant(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    return page(request, operator, tenant_of(tenant), status=HTTPStatus.OK)


def page(
    request: HttpRequest,
    operator: Operator,
    tenant: Tenant,
    *,
    refusal: str = "",
    status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
) -> HttpResponse:
    """Render the page of a tenant, with a refusal if there is one."""
    now = clock.now()
    after = ids.parse(ids.KEY, request.GET.get("after", ""))
    facts = tenant_page(
        tenant,
        now,
        is_demo=operator.mode == Mode.DEMO,
        keys_after=after,
        max_keys=MAX_KEYS + 1,
    )
    shown = facts.keys[:MAX_KEYS]
    context = {
        "operator": operator,
        "tenant": tenant,
        "row": row_of(tenant, facts.figures, now),
        "figures": facts.figures,
        "refusal": refusal,
        "typed": {request.resolver_match.url_name: request.POST} if request.resolver_match else {},
        "why": facts.reason,
        "moves": [(LedgerEntry(move), note, _reversible(move)) for move, note in facts.moves],
        "keys": [(key, key.status(now)) for key in shown],
        "keys_of_all": facts.number_of_keys,
        "is_later": after is not None,
        "older_keys": shown[-1].public_id if len(facts.keys) > MAX_KEYS else "",
        "members": facts.members,
        "invitations": facts.invitations,
        "asked": {"changes": facts.changes, "decisions": DECISIONS},
        "export": facts.export,
    }
    return render(request, "ops/tenant.html", context, status=status)


def _reversible(move: Transfer) -> str:
    """Return the number of an entry that can be reversed; empty for others."""
    return str(move.seq) if move.kind in REVERSED_KINDS else ""
