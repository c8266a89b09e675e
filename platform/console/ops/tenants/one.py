"""One tenant: its money, status, limits, keys, members and data."""

from django.http import HttpRequest, HttpResponse

from billing.services.office.accounts import REVERSED_KINDS
from console.ops.access import Operator, Permission, rendered, staff
from console.ops.second_person import DECISIONS
from console.ops.tenants.rows import row_of, tenant_of
from console.parts.entries import LedgerEntry
from generation.oversight.tenant_page import tenant_page
from pictor.kit.words import clock, ids

MAX_KEYS = 50
"""Number of keys on a page."""


@staff(Permission.SEE)
def tenant(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    found, now = tenant_of(tenant), clock.now()
    after = ids.parse(ids.KEY, request.GET.get("after", ""))
    is_demo = operator.is_demo
    facts = tenant_page(found, now, is_demo=is_demo, keys_after=after, max_keys=MAX_KEYS + 1)
    shown = facts.keys[:MAX_KEYS]
    context = {
        "tenant": found,
        "row": row_of(found, facts.figures, now),
        "figures": facts.figures,
        "why": facts.reason,
        "moves": [
            (LedgerEntry(move), note, str(move.seq) if move.kind in REVERSED_KINDS else "")
            for move, note in facts.moves
        ],
        "keys": [(key, key.status(now)) for key in shown],
        "keys_of_all": facts.number_of_keys,
        "is_later": after is not None,
        "older_keys": shown[-1].public_id if len(facts.keys) > MAX_KEYS else "",
        "members": facts.members,
        "invitations": facts.invitations,
        "asked": {"changes": facts.changes, "decisions": DECISIONS},
        "export": facts.export,
    }
    return rendered(request, operator, "ops/tenant.html", context)
