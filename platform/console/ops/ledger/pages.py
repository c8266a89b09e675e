"""The ledger's pages: its last checks, its transfers, and one transfer with its seal."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Tenant
from billing.models import Account, Transfer
from billing.selectors import (
    MAX_SCANNED_ROWS,
    TransferPage,
    all_transfers_like,
    carries_its_seal,
    corrections_of_cost,
    head_kept,
    kept_heads,
    reversals_of,
    transfer_numbered,
    transfers_like,
)
from console.ops.access import Operator, Permission, staff
from console.ops.ledger.checks import TASKS, Kind, checks_of
from console.ops.ledger.seeking import entries_of, meant_by_id, periods_of, sought_by
from console.ops.lists import no_such_tenant
from console.parts.entries import KIND_WORDS
from console.parts.exports import Rows, csv_answer
from console.parts.filters import MAX_TEXT, PAGE_ROWS, chips_of, link_of
from console.parts.periods import number_of
from pictor.kit.redis.bell import ring
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal

HEADS = 7
LABELS = {"tenant": "Tenant", "kind": "Kind", "period": "Moved"}
COLUMNS = (
    "id", "at", "tenant", "tenant_name", "kind", "amount", "currency", "seq", "available_after",
    "held_after", "generation", "attempt", "reason", "line", "reverses", "corrects", "seal",
    "mode",
)  # fmt: skip


@staff(Permission.SEE)
@require_safe
def ledger(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """Show the last checks, and the transfers found by an id or by filters; also as CSV."""
    now, text = clock.now(), request.GET.get("q", "").strip()[:MAX_TEXT]
    meant = meant_by_id(text) if text else None
    if isinstance(meant, Transfer):
        return redirect("ops:ledger_entry", meant.pk)
    if isinstance(meant, Tenant):
        return redirect(reverse("ops:ledger") + link_of({"tenant": meant.public_id}))
    texts, sought, tenant = sought_by(request.GET, now)
    if request.GET.get("format") == "csv":
        pages = all_transfers_like(sought) if meant is None else [meant]
        return csv_answer("ledger.csv", COLUMNS, _cells(pages))
    after = number_of(request.GET.get("after", ""))
    page = (
        transfers_like(sought, after=after, limit=PAGE_ROWS)
        if meant is None
        else TransferPage(meant, None)
    )
    checks = checks_of(request.GET, now)
    context = {
        "operator": operator,
        "checks": checks,
        "is_followed": any(check.is_awaited for check in checks),
        "heads": kept_heads(limit=HEADS),
        "entries": entries_of(page.rows),
        "looked_at": MAX_SCANNED_ROWS if page.is_cut else 0,
        "is_later": after is not None,
        **_bar(texts, text, tenant, page.after),
    }
    return render(request, "ops/ledger.html", context)


def _bar(
    texts: Mapping[str, str], text: str, tenant: Tenant | None, after: int | None
) -> dict[str, Any]:
    """Return the filters of the list, and links to its other views with the same filters."""

    def words(name: str, word: str) -> str:
        match name:
            case "kind":
                return KIND_WORDS[Transfer.Kind(word)]
            case "tenant":
                return tenant.name if tenant else word
            case _:
                return periods[word]

    periods = periods_of(texts.get("period", ""), clock.now())
    return {
        "query": texts,
        "text": text,
        "trouble": no_such_tenant(texts["tenant"]) if "tenant" in texts and tenant is None else "",
        "kinds": KIND_WORDS.items(),
        "periods": periods.items(),
        "chips": chips_of(texts, LABELS, words),
        "newest": link_of(texts),
        "older": link_of(texts, after=str(after)) if after is not None else "",
        "csv": link_of(texts, q=text, format="csv"),
    }


@staff(Permission.SEE)
@require_safe
def entry(request: HttpRequest, operator: Operator, transfer: int) -> HttpResponse:
    """Show a transfer with its sealed content, and whether the seal still matches."""
    found = transfer_numbered(str(transfer))
    if found is None:
        raise Http404
    context = {
        "operator": operator,
        "entry": entries_of([found])[0],
        "from": _words(found.debit),
        "to": _words(found.credit),
        "is_sealed": carries_its_seal(found),
        "seal": bytes(found.seal or b"").hex(),
        "evidence": bytes(found.evidence or b"").hex(),
        "reversals": reversals_of(found),
        "corrections": corrections_of_cost(found),
    }
    return render(request, "ops/ledger_entry.html", context)


def _words(account: Account) -> str:
    """Return an account's kind in words: 'upstream cost', 'available'."""
    return account.kind.replace("_", " ")


@staff(Permission.SEE)
@require_POST
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
@require_safe
def head(request: HttpRequest, operator: Operator, day: str) -> HttpResponse:
    """Download the signed heads of a day as the file that was kept."""
    del request, operator
    try:
        kept = head_kept(date.fromisoformat(day))
    except ValueError:
        kept = None
    if kept is None:
        raise Http404
    answer = HttpResponse(kept.content, content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="heads-{kept.day}.json"'
    return answer


def _cells(pages: Iterable[list[Transfer]]) -> Iterator[Rows]:
    for page in pages:
        yield [
            [
                transfer.pk, transfer.created_at.isoformat(),
                transfer.tenant.public_id if transfer.tenant else "",
                transfer.tenant.name if transfer.tenant else "", transfer.kind,
                to_decimal(transfer.amount), "USD", transfer.seq,
                _dollars(transfer.available_after), _dollars(transfer.held_after),
                entry.generation, transfer.attempt_id, transfer.reason, transfer.line,
                transfer.reverses_seq, transfer.corrects_id, bytes(transfer.seal or b"").hex(),
                "demo" if entry.is_demo else "live",
            ]
            for entry in entries_of(page)
            for transfer in [entry.transfer]
        ]  # fmt: skip


def _dollars(micros: int | None) -> str:
    return "" if micros is None else to_decimal(micros)
