"""One tenant: its money, status, limits, keys, members and data."""

from django.http import HttpRequest, HttpResponse

from billing.selectors.office.payments import cards_on, payments_of
from billing.services.office.accounts import REVERSED_KINDS
from console.ops.access import Operator, Permission, rendered, staff
from console.ops.second_person import DECISIONS
from console.ops.tenants.rows import row_of, tenant_of
from console.parts.entries import LedgerEntry
from console.parts.payment_words import badge_of
from generation.oversight.tenant_page import tenant_page
from pictor.kit.words import clock, ids

MAX_KEYS = 50
"""Number of keys on a page."""
PAYMENTS_SHOWN = 5


@staff(Permission.SEE)
def tenant(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    found, now = tenant_of(tenant), clock.now()
    after = ids.parse(ids.KEY, request.GET.get("after", ""))
    is_demo = operator.is_demo
    facts = tenant_page(found, now, is_demo=is_demo, keys_after=after, max_keys=MAX_KEYS + 1)
    shown = facts.keys[:MAX_KEYS]
    paid = payments_of(found.id).prefetch_related("disputes")[:PAYMENTS_SHOWN]
    context = {
        "tenant": found,
        "cards": cards_on(),
        "payments": [(payment, badge_of(payment)) for payment in paid if cards_on()],
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
