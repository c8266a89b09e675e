"""The ledger's pages: its last checks, its transfers, and one transfer with its seal."""

from datetime import date
from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from billing.models import Account
from billing.selectors.office.balances import transfer_numbered
from billing.selectors.office.checkpoints import head_kept, kept_heads
from billing.selectors.office.transfers import carries_its_seal, corrections_of_cost, reversals_of
from console.ops.access import POST, Operator, Permission, or_404, rendered, staff
from console.ops.ledger.checks import TASKS, Kind, checks_of
from console.ops.ledger.lists import LEDGER
from console.ops.ledger.seeking import entries_of
from console.ops.lists import answer_of
from pictor.kit.redis.bell import ring
from pictor.kit.words import clock

HEADS = 7


@staff(Permission.SEE)
def ledger(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """Show the last checks, and the transfers found by an id or by filters; also as CSV."""
    checks = checks_of(request.GET, clock.now())
    context = {
        "checks": checks,
        "is_followed": any(check.is_awaited for check in checks),
        "heads": kept_heads(limit=HEADS),
    }
    return answer_of(LEDGER, request, operator, context)


@staff(Permission.SEE)
def entry(request: HttpRequest, operator: Operator, transfer: int) -> HttpResponse:
    """Show a transfer with its sealed content, and whether the seal still matches."""
    found = or_404(transfer_numbered(str(transfer)))
    context = {
        "entry": entries_of([found])[0],
        "from": _words(found.debit),
        "to": _words(found.credit),
        "is_sealed": carries_its_seal(found),
        "seal": bytes(found.seal or b"").hex(),
        "evidence": bytes(found.evidence or b"").hex(),
        "reversals": reversals_of(found),
        "corrections": corrections_of_cost(found),
    }
    return rendered(request, operator, "ops/ledger_entry.html", context)


def _words(account: Account) -> str:
    """Return an account's kind in words: 'upstream cost', 'available'."""
    return account.kind.replace("_", " ")


@staff(Permission.SEE, POST)
def check(request: HttpRequest, operator: Operator, kind: str) -> HttpResponse:
    """Request a check by the short-work worker; the page follows it."""
    del request, operator
    if kind not in Kind.values:
        raise Http404
    now = clock.now()
    query = urlencode({"asked": kind, "at": str(int(now.timestamp()))})
    ring(TASKS[Kind(kind)], now.isoformat())
    return HttpResponseRedirect(f"{reverse('ops:ledger')}?{query}", status=HTTPStatus.SEE_OTHER)


@staff(Permission.SEE)
def head(request: HttpRequest, operator: Operator, day: str) -> HttpResponse:
    """Download the signed heads of a day as the file that was kept."""
    del request, operator
    try:
        kept = or_404(head_kept(date.fromisoformat(day)))
    except ValueError:
        raise Http404 from None
    answer = HttpResponse(kept.content, content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="heads-{kept.day}.json"'
    return answer
