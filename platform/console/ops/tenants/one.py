"""One tenant: its money, status, limits, keys, members and data."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse

from billing.models import PaymentCustomer, Transfer
from billing.selectors.office.payment_search import latest_payments
from billing.selectors.office.payments import cards_on, customer_of
from billing.services.office.accounts import REVERSED_KINDS
from billing.services.office.automatic import why_paused
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
    paid = latest_payments(found.id, limit=PAYMENTS_SHOWN) if cards_on() else []
    context = {
        "tenant": found,
        "cards": cards_on(),
        "payments": [(payment, badge_of(payment, complaints)) for payment, complaints in paid],
        "automatic": _automatic(found.id) if cards_on() else "",
        "row": row_of(found, facts.figures, now),
        "figures": facts.figures,
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
    return rendered(request, operator, "ops/tenant.html", context)


def _reversible(move: Transfer) -> str:
    """Its number, if it can be reversed; what was paid by card is paid back."""
    return "" if move.line or move.kind not in REVERSED_KINDS else str(move.seq)


def _automatic(tenant_id: UUID) -> str:
    """Say whether a balance is topped up by itself, or why it is no longer."""
    customer = customer_of(tenant_id)
    if customer is None or customer.consented_at is None:
        return "off"
    why = why_paused(customer)
    return f"paused: {PaymentCustomer.Pause(why).label}" if why else "on"
