"""The ledger's transfers."""

from dataclasses import replace
from datetime import UTC, date
from typing import Any

from django.urls import reverse

from accounts.models import Tenant
from billing.models import Transfer
from billing.selectors.office.payments import cards_on
from billing.selectors.office.transfers import MAX_SCANNED_ROWS, TransferFilter, transfers_like
from console.amounts import amount
from console.ops.access import Permission
from console.ops.ledger.seeking import entries_of, meant_by_id
from console.ops.lists import TENANT
from console.parts.cells import Cell, Column
from console.parts.entries import KIND_WORDS, OF_CARDS, LedgerEntry
from console.parts.filters import link_of
from console.parts.list_filters import periods, span_in
from console.parts.listing import Choices, Filter, Listing, RowPage, Search, chosen
from console.parts.periods import DAY, TO, number_of
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal

MONTHS = 12
"""Number of full months to choose from."""
_MOVED = periods("Moved, UTC", chip="Moved")
_KIND = chosen("Kind", {kind.value: words for kind, words in KIND_WORDS.items()})


def _kinds(_search: Search[Any]) -> Choices:
    """The kinds of transfers that there are here."""
    known = [kind for kind in KIND_WORDS if cards_on() or kind not in OF_CARDS]
    return [(kind.value, KIND_WORDS[kind]) for kind in known]


def _full_months() -> Choices:
    """Return the last full months, the latest first."""
    months: dict[str, str] = {}
    first: date = clock.now().astimezone(UTC).date().replace(day=1)
    for _ in range(MONTHS):
        last = first - DAY
        first = last.replace(day=1)
        months[f"{first}{TO}{last}"] = f"{first:%B %Y}"
    return [*months.items()]


def _periods(search: Search[Any]) -> Choices:
    usual = _MOVED.choices(search) if _MOVED.choices else []
    months = _full_months()
    return [*(one for one in usual if one[0] not in dict(months)), *months]


def _query(search: Search[LedgerEntry]) -> TransferFilter | list[Transfer]:
    meant, (since, until) = search.meant, span_in(search)
    _, by_id = meant.get("q", ("", None))
    tenant = by_id if isinstance(by_id, Tenant) else meant.get("tenant")
    sought = TransferFilter(
        tenant_id=tenant.id if tenant else None,
        kind=meant.get("kind"),
        since=since,
        until=until,
    )
    if by_id is None or isinstance(by_id, Tenant):
        return sought
    moves = [by_id] if isinstance(by_id, Transfer) else by_id
    return [move for move in moves if sought.takes(move)]


def _leads_to(search: Search[LedgerEntry]) -> str:
    _, meant = search.meant.get("q", ("", None))
    if isinstance(meant, Transfer):
        return reverse("ops:ledger_entry", args=[meant.pk])
    if isinstance(meant, Tenant):
        return reverse("ops:ledger") + link_of({"tenant": meant.public_id})
    return ""


def _read(sought: TransferFilter | list[Transfer], after: str, limit: int) -> RowPage[LedgerEntry]:
    if isinstance(sought, list):
        return RowPage(entries_of(sought))
    page = transfers_like(sought, after=number_of(after), limit=limit)
    following = "" if page.after is None else str(page.after)
    return RowPage(
        entries_of(page.rows), following, searched=MAX_SCANNED_ROWS if page.is_cut else 0
    )


def _transfer(entry: LedgerEntry) -> Cell:
    page = reverse("ops:ledger_entry", args=[entry.transfer.pk])
    return Cell(str(entry.transfer.pk), page, is_code=True)


def _tenant(entry: LedgerEntry) -> Cell:
    tenant = entry.transfer.tenant
    return Cell(tenant.name, f"?tenant={tenant.public_id}") if tenant else Cell("Platform")


def _dollars(micros: int | None) -> str:
    return "" if micros is None else to_decimal(micros)


LEDGER = Listing[LedgerEntry](
    name="ledger",
    title="Ledger",
    lead="Every transfer of money, sealed and kept permanently. Tests move no money; demo data is"
    " marked.",
    things="transfers",
    needs=Permission.SEE,
    order="newest first",
    query=_query,
    read=_read,
    filters={
        "q": Filter(
            label="Any id",
            read=lambda word: (word, meant_by_id(word)),
            words=lambda meant: str(meant[0]),
            example="gen_, req_, img_, key_, a number",
        ),
        "tenant": TENANT,
        "kind": replace(_KIND, choices=_kinds),
        "period": replace(_MOVED, choices=_periods),
    },
    summary=lambda search: (
        "Under the id of a test or a refused request no money moves." if "q" in search.meant else ""
    ),
    columns=[
        Column(title="Transfer", cell=_transfer),
        Column(
            title="At, UTC", cell=lambda entry: f"{entry.transfer.created_at:%-d %b %Y, %H:%M:%S}"
        ),
        Column(title="Tenant", cell=_tenant),
        Column(title="What", cell=lambda entry: entry.kind),
        Column(
            title="Amount", cell=lambda entry: amount(entry.amount), is_number=True, place="lead"
        ),
        Column(
            title="Available after",
            cell=lambda entry: (
                ""
                if entry.transfer.available_after is None
                else amount(entry.transfer.available_after)
            ),
            is_number=True,
        ),
        Column(
            csv={
                "id": lambda entry: entry.transfer.pk,
                "at": lambda entry: entry.transfer.created_at,
                "tenant": lambda entry: (
                    entry.transfer.tenant.public_id if entry.transfer.tenant else ""
                ),
                "tenant_name": lambda entry: (
                    entry.transfer.tenant.name if entry.transfer.tenant else ""
                ),
                "kind": lambda entry: entry.transfer.kind,
                "amount": lambda entry: to_decimal(entry.transfer.amount),
                "currency": lambda _entry: "USD",
                "seq": lambda entry: entry.transfer.seq,
                "available_after": lambda entry: _dollars(entry.transfer.available_after),
                "held_after": lambda entry: _dollars(entry.transfer.held_after),
                "generation": lambda entry: entry.generation,
                "attempt": lambda entry: entry.transfer.attempt_id,
                "reason": lambda entry: entry.transfer.reason,
                "line": lambda entry: entry.transfer.line,
                "reverses": lambda entry: entry.transfer.reverses_seq,
                "corrects": lambda entry: entry.transfer.corrects_id,
                "seal": lambda entry: bytes(entry.transfer.seal or b"").hex(),
                "mode": lambda entry: "demo" if entry.is_demo else "live",
            }
        ),
    ],
    empty=(
        "Nothing has moved yet",
        "Top-ups, credits, charges and costs appear here as they happen.",
    ),
    leads_to=_leads_to,
    template="ops/ledger.html",
    cell_template="ops/ledger_cell.html",
)
