"""Costs of images according to a bill, as a draft of the channel's cost table."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console.ops.access import Operator, Permission, staff
from console.ops.reconciliation.listed import bill_or_404
from generation.models import VendorBill
from generation.oversight.bills.unit_costs import draft_of, in_force, unit_costs

MAX_SCANNED_ROWS = 5_000
"""The most lines of each list to look at."""


@staff(Permission.MONEY)
@require_safe
def costs(request: HttpRequest, operator: Operator, bill: int) -> HttpResponse:
    """Show the cost of each cell now and by the bill; roles that change channels can draft it."""
    found = bill_or_404(bill)
    units = (
        unit_costs(found, most=MAX_SCANNED_ROWS) if found.state == VendorBill.State.READY else []
    )
    lines = [found.sums.get(outcome, [0])[0] for outcome in ("equal", "different")]
    now = in_force(found.channel)
    context = {
        "operator": operator,
        "bill": found,
        "units": [(unit, now[unit.key].micros if unit.key in now else None) for unit in units],
        "looked_at": MAX_SCANNED_ROWS if max(lines) > MAX_SCANNED_ROWS else 0,
        "draft": draft_of(found, units) if units else "",
    }
    return render(request, "ops/bill_costs.html", context)
