"""The trace of an id, and the list of refused requests; Ctrl K searches here too."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import ApiKey, Tenant
from accounts.selectors.office.api_keys import api_keys_among
from accounts.selectors.office.tenants import tenants_among
from console.ops.access import Mode, Operator, Permission, rendered, staff
from console.ops.lists import TENANT, answer_of, mode_of
from console.parts.cells import Cell, Column
from console.parts.filters import MAX_TEXT
from console.parts.list_filters import CODE, periods, span_in
from console.parts.listing import Listing, RowPage, Search
from generation.models import RefusedRequest
from generation.oversight.id_lookup import Trace, trace
from generation.oversight.searching.refused import MAX_SCANNED_ROWS, RefusalFilter, page_of_refused
from generation.selectors import refused_request
from pictor.kit.words import ids

ANSWERED = ("model", "status", "code", "param", "message", "stopped_by", "ms")
"""Columns of the CSV that are fields of a refused request."""
RETENTION_WORDS = "Refused requests are kept for 7 days, and lost if the database crashes."


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """A refused request with its tenant and key; None for an unknown key."""

    refused: RefusedRequest
    tenant: Tenant | None
    key: ApiKey | None


def _query(search: Search[RefusalRow]) -> RefusalFilter:
    tenant, (since, until) = search.meant.get("tenant"), span_in(search)
    return RefusalFilter(
        modes=(mode_of(search).value,),
        tenant_id=tenant.id if tenant else None,
        code=search.meant.get("code", ""),
        since=since,
        until=until,
    )


def _read(sought: RefusalFilter, after: str, limit: int) -> RowPage[RefusalRow]:
    page = page_of_refused(sought, after=ids.parse(ids.REQUEST, after), limit=limit)
    return RowPage(
        _rows(page.rows),
        ids.public(ids.REQUEST, page.last) if page.last else "",
        searched=MAX_SCANNED_ROWS if page.is_cut else 0,
    )


def _rows(refused: Sequence[RefusedRequest]) -> list[RefusalRow]:
    """Add tenants and keys to refused requests, in two queries."""
    tenants = tenants_among({refusal.tenant_id for refusal in refused if refusal.tenant_id})
    keys = api_keys_among({refusal.key_id for refusal in refused if refusal.key_id})
    return [
        RefusalRow(
            refusal,
            tenants.get(refusal.tenant_id) if refusal.tenant_id else None,
            keys.get(refusal.key_id) if refusal.key_id else None,
        )
        for refusal in refused
    ]


def _request(row: RefusalRow) -> Cell:
    request = row.refused.public_id
    whose = row.tenant.name if row.tenant else "unknown key"
    return Cell(request, f"?q={request}", note=whose, is_code=True)


def _key(row: RefusalRow) -> Cell:
    return Cell(row.key.name or "Unnamed", f"?q={row.key.public_id}") if row.key else Cell()


REFUSED = Listing[RefusalRow](
    name="refused",
    title="Requests",
    lead="Look up any id, and see which requests were refused and why.",
    things="refused requests",
    needs=Permission.SEE,
    order="newest first",
    query=_query,
    read=_read,
    modes={"": "Live keys", Mode.TEST: "Test keys", Mode.DEMO: "Demo data"},
    filters={
        "tenant": TENANT,
        "code": CODE,
        "period": periods(
            "Period", chip="Came", every="All that is kept", among=lambda _search: ("24h", "7d")
        ),
    },
    summary=lambda _search: RETENTION_WORDS,
    columns=[
        Column(title="Request", cell=_request),
        Column(
            title="Answer",
            cell=lambda row: Cell(
                f"{row.refused.status} {row.refused.code}", note=row.refused.param
            ),
        ),
        Column(title="Stopped by", cell=lambda row: row.refused.stopped_by),
        Column(title="Model", cell=lambda row: row.refused.model),
        Column(title="Key", cell=_key),
        Column(title="Took", cell=lambda row: f"{row.refused.ms:,} ms", is_number=True),
        Column(title="At", cell=lambda row: Cell(at=row.refused.at), is_number=True),
        Column(
            csv={
                "request": lambda row: row.refused.public_id,
                "at": lambda row: row.refused.at,
                "tenant": lambda row: row.tenant.name if row.tenant else "",
                "tenant_id": lambda row: row.tenant.public_id if row.tenant else "",
                "key": lambda row: row.key.name if row.key else "",
                "key_id": lambda row: row.key.public_id if row.key else "",
                **{word: attrgetter(f"refused.{word}") for word in ANSWERED},
            }
        ),
    ],
    empty=(
        "Nothing was refused",
        (
            "Requests that made nothing appear here, with the answer to the caller and the limit"
            " that stopped them."
        ),
    ),
    row_id=lambda row: row.refused.public_id,
    template="ops/requests.html",
)


@staff(Permission.SEE)
def requests(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """Show the trace of an id; without an id, list refused requests, also as CSV."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
    return _answer(request, operator, text) if text else answer_of(REFUSED, request, operator)


def _answer(request: HttpRequest, operator: Operator, text: str) -> HttpResponse:
    facts = trace(text)
    if facts is not None and (page := _page_of(facts, text)):
        return redirect(page)
    refused = refused_request(text) if facts and "refused" in facts else None
    is_request = ids.parse(ids.REQUEST, text) is not None
    context = {
        "text": text,
        "found": facts,
        "whose": _rows([refused])[0] if refused else None,
        "kept": RETENTION_WORDS if is_request or (facts and "refused" in facts) else "",
    }
    return rendered(request, operator, "ops/request.html", context)


def _page_of(facts: Trace, text: str) -> str:
    """Return the page of a transfer or generation, or of the one that answered a retry; else ""."""
    if "transfer" in facts:
        return reverse("ops:ledger_entry", args=[facts["transfer"]["id"]])
    generation = facts.get("generation")
    if generation is None:
        return ""
    page = reverse("ops:generation", args=[generation["id"]])
    return f"{page}?{urlencode({'retry': text})}" if "refused" in facts else page
