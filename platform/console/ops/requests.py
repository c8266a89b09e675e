"""The trace of an id, and the list of refused requests; Ctrl K searches here too."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.models import ApiKey, Tenant
from accounts.selectors import api_keys_among, tenants_among
from console.ops.access import Mode, Operator, Permission, staff
from console.ops.generations.seeking import known_code, known_tenant, no_such_tenant
from console.parts.exports import Rows, csv_answer, query_of
from console.parts.filters import MAX_TEXT, PAGE_ROWS, chips_of, link_of, period_choices, words_in
from console.parts.periods import UTC_ZONE, WORDS, Period, period_in, period_of
from generation.models import RefusedRequest
from generation.oversight.id_lookup import Trace, trace
from generation.oversight.searching import RefusalFilter, every_refused, page_of_refused
from generation.selectors import refused_request
from pictor.kit.words import clock, ids

ROWS_AT_ONCE = 500
"""Number of rows that a CSV reads in one query."""
RETENTION_WORDS = "Refused requests are kept for 7 days, and lost if the database crashes."
COLUMNS = (
    "request", "at", "tenant", "tenant_id", "key", "key_id", "model", "status", "code", "param",
    "message", "stopped_by", "ms",
)  # fmt: skip


LABELS = {"tenant": "Tenant", "code": "Code", "period": "Came"}
MODES = {Mode.LIVE: "Live keys", Mode.TEST: "Test keys", Mode.DEMO: "Demo data"}


@dataclass(frozen=True, slots=True)
class RefusalSearch:
    """The filters of the list, and the trouble with them, if any.

    Attributes:
        query: the words in the address, by filter.
        trouble: the reason why nothing can be listed, in a sentence; empty if there is none.
    """

    query: Mapping[str, str]
    sought: RefusalFilter
    mode: Mode
    period: Period | None
    tenant: Tenant | None
    trouble: str

    @property
    def periods(self) -> list[tuple[str, str]]:
        """The periods to choose from: none longer than 7 days, since nothing older is kept."""
        choices = period_choices(self.query.get("period", ""), self.period)
        return [
            choice for choice in choices if choice[0] in {"24h", "7d", self.query.get("period")}
        ]

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """Each filter's label, its value in words, and the list without it."""
        return chips_of(self.query, LABELS, self._words, mode=self.mode.query)

    @property
    def modes(self) -> list[tuple[str, str, bool]]:
        """For each kind of key: the same list, its label, and whether it is shown."""
        return [
            (self.link(mode=mode.query), words, mode == self.mode) for mode, words in MODES.items()
        ]

    def link(self, **others: str) -> str:
        """Return the address of the list with these filters and any others that are not empty."""
        return link_of(self.query, **{"mode": self.mode.query, **others})

    def _words(self, name: str, word: str) -> str:
        if name == "tenant":
            return self.tenant.name if self.tenant else word
        return dict(period_choices(word, self.period))[word] if name == "period" else word


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """A refused request with its tenant and key; None for an unknown key."""

    refused: RefusedRequest
    tenant: Tenant | None
    key: ApiKey | None


@staff(Permission.SEE)
@require_safe
def requests(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """Show the trace of an id; without an id, list refused requests, also as CSV."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
    if text:
        return _answer(request, operator, text)
    if request.GET.get("format") == "csv":
        return _csv(request, operator)
    filters = _filters(request.GET, operator.mode, clock.now())
    after = ids.parse(ids.REQUEST, request.GET.get("after", ""))
    page = (
        None if filters.trouble else page_of_refused(filters.sought, after=after, limit=PAGE_ROWS)
    )
    last = page.last if page else None
    context = {
        "operator": operator,
        "filters": filters,
        "rows": _rows(page.rows) if page else [],
        "is_cut": page is not None and page.is_cut,
        "is_later": after is not None,
        "newest": filters.link(),
        "older": filters.link(after=ids.public(ids.REQUEST, last)) if last else "",
        "csv": filters.link(format="csv"),
        "kept": RETENTION_WORDS,
    }
    return render(request, "ops/requests.html", context)


def _answer(request: HttpRequest, operator: Operator, text: str) -> HttpResponse:
    facts = trace(text)
    if facts is not None and (page := _page_of(facts, text)):
        return redirect(page)
    is_request = ids.parse(ids.REQUEST, text) is not None
    context = {
        "operator": operator,
        "text": text,
        "found": facts,
        "whose": _whose(text) if facts and "refused" in facts else None,
        "kept": RETENTION_WORDS if is_request or (facts and "refused" in facts) else "",
    }
    return render(request, "ops/request.html", context)


def _whose(text: str) -> RefusalRow | None:
    refused = refused_request(text)
    return None if refused is None else _rows([refused])[0]


def _page_of(facts: Trace, text: str) -> str:
    """Return the page of a transfer or generation, or of the one that answered a retry; else ""."""
    if "transfer" in facts:
        return reverse("ops:ledger_entry", args=[facts["transfer"]["id"]])
    generation = facts.get("generation")
    if generation is None:
        return ""
    page = reverse("ops:generation", args=[generation["id"]])
    return f"{page}?{urlencode({'retry': text})}" if "refused" in facts else page


def _filters(query: QueryDict, mode: Mode, now: datetime) -> RefusalSearch:
    texts, meant = words_in(
        query,
        {
            "tenant": known_tenant,
            "code": known_code,
            "period": lambda word: (
                period_of(word, now, UTC_ZONE) if word in WORDS else period_in(word, UTC_ZONE)
            ),
        },
    )
    tenant: Tenant | None = meant.get("tenant") or None
    trouble = no_such_tenant(texts["tenant"]) if "tenant" in texts and tenant is None else ""
    if tenant is not None:
        texts["tenant"] = tenant.public_id
    period: Period | None = meant.get("period")
    sought = RefusalFilter(
        mode=mode.value,
        tenant_id=tenant.id if tenant else None,
        code=texts.get("code", ""),
        since=period.start.astimezone(UTC) if period else None,
        until=period.end.astimezone(UTC) if period else None,
    )
    return RefusalSearch(texts, sought, mode, period, tenant, trouble)


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


def _csv(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    filters = _filters(query_of(request), operator.mode, clock.now())
    return csv_answer("refused.csv", COLUMNS, _pages(filters))


def _pages(filters: RefusalSearch) -> Iterator[Rows]:
    if filters.trouble:
        yield [[filters.trouble]]
        return
    for page in every_refused(filters.sought, limit=ROWS_AT_ONCE):
        yield [_cells(row) for row in _rows(page)]


def _cells(row: RefusalRow) -> Sequence[Any]:
    refused, tenant, key = row.refused, row.tenant, row.key
    return [
        refused.public_id, refused.at.isoformat(), tenant.name if tenant else "",
        tenant.public_id if tenant else "", key.name if key else "", key.public_id if key else "",
        refused.model, refused.status, refused.code, refused.param, refused.message,
        refused.stopped_by, refused.ms,
    ]  # fmt: skip
