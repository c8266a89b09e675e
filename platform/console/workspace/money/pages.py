"""Billing: balance, ledger, its proof, and prices."""

from collections.abc import Iterator
from datetime import datetime

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.urls import reverse

from billing.selectors import books_of, price_tables, table_of, withdrawals
from billing.selectors.office.balances import latest_transfers, request_transfers, statement
from billing.selectors.office.money_overview import money_overview
from billing.selectors.office.payments import cards_on
from billing.selectors.office.reports import PACE_DAYS
from billing.services.office.alerts import set_balance_alert
from console.parts import exports
from console.parts.entries import LedgerEntry, folded
from console.parts.exports import Rows
from console.parts.filters import PAGE_ROWS
from console.parts.form_fields import DollarsField, LimitField, dressed
from console.parts.page_query import meant_by, word_of
from console.parts.periods import number_of, period_of
from console.site.pricing import priced_models
from console.workspace.access import POST, Permission, Workspace, by, done, member, rendered
from console.workspace.money.card_forms import TopUpForm, leading_to_cards
from console.workspace.shared.content import one_of
from console.workspace.shared.long_lists import file_of
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal

ROWS_AT_ONCE = 1000
COLUMNS = (
    "seq", "at", "kind", "amount", "currency", "available_after", "held_after", "generation",
    "reason", "seal", "reverses",
)  # fmt: skip


class AlertForm(forms.Form):
    """The limits below which to mail those who pay; an empty field sets none."""

    below = DollarsField(label="When less is left than (USD)")
    below_days = LimitField(label="When it will last for fewer days than")


@member(Permission.SEE_MONEY)
def billing(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Show the balance and how long it lasts; with `?proof=1`, check the ledger's sums."""
    return billing_page(request, workspace)


@member(Permission.MANAGE_MONEY, POST)
def alert(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    form = AlertForm(request.POST)
    if not form.is_valid():
        return billing_page(request, workspace, form=form)
    page = reverse("workspace:billing", args=[workspace.tenant.public_id])
    set_balance_alert(
        tenant=workspace.tenant,
        below=form.cleaned_data["below"],
        below_days=form.cleaned_data["below_days"],
        page=request.build_absolute_uri(page),
        **by(request, workspace),
    )
    return done(request, workspace, "Alert saved", "billing")


def billing_page(
    request: HttpRequest,
    workspace: Workspace,
    *,
    form: AlertForm | None = None,
    top_up: TopUpForm | None = None,
) -> HttpResponse:
    """Render the page, with a refused form in place of the current values."""
    now, balance = clock.now(), workspace.balance
    is_proved = bool(word_of(request.GET, "proof", ["1"]))
    week = period_of("7d", now, workspace.tenant.zone).start
    money = money_overview(
        workspace.tenant.id, balance.available, now, week=week, is_proved=is_proved
    )
    wanted = money.alert
    values = {"below": wanted.below_micros, "below_days": wanted.below_days} if wanted else {}
    may_manage = Permission.MANAGE_MONEY in workspace.may
    context = {
        "balance": balance,
        "days": money.days_left,
        "a_day": money.a_day,
        "pace_days": PACE_DAYS,
        "contact": settings.OPERATOR_CONTACT,
        "payment": settings.PAYMENT_DETAILS,
        "week": money.charged,
        "proof": money.proof,
        "entries": [LedgerEntry(transfer) for transfer in money.latest],
        "at": now,
        "alert": wanted,
        "alert_form": dressed(form or AlertForm(initial=values)) if may_manage else None,
        "recipients": money.recipients,
        "takes_cards": cards_on(),
        "is_taxed": bool(settings.STRIPE_TAX_CODE),
        "top_up": top_up or (TopUpForm.of(workspace.id) if cards_on() and may_manage else None),
    }
    page = rendered(request, workspace, "workspace/billing.html", context, refused=form or top_up)
    return leading_to_cards(page)


@member(Permission.SEE_MONEY)
def ledger(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Show every transfer with the balance after it; with `fold=1`, one entry per generation.

    The CSV has all transfers in order, with seals, or with `after` those that follow that one.
    """
    if request.GET.get("format") == "csv":
        return _csv(request, workspace)
    before_seq = meant_by(request.GET, "before", number_of)
    is_folded = bool(word_of(request.GET, "fold", ["1"]))
    rows = latest_transfers(workspace.tenant.id, before_seq=before_seq, limit=PAGE_ROWS + 1)
    shown = rows[:PAGE_ROWS]
    up_to = shown[0].seq if shown and before_seq is None else None  # the newest page as it was read
    parts = request_transfers(workspace.tenant.id, shown, up_to=up_to) if is_folded else []
    context = {
        "entries": folded(shown, parts),
        "is_folded": is_folded,
        "more": rows[PAGE_ROWS - 1].seq if len(rows) > PAGE_ROWS else None,
        "is_later": before_seq is not None,
    }
    return rendered(request, workspace, "workspace/ledger.html", context)


@member(Permission.SEE_MONEY)
def prices(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Show the prices in force for this workspace, and those decided for later.

    With `of`, show the prices a generation was quoted by, even if its model is gone since.
    """
    tenant, now = workspace.tenant, clock.now()
    of = request.GET.get("of", "")
    catalogue = workspace.catalogue
    contracts = list(catalogue.contracts.values()) if of else catalogue.on_offer(now)
    tables = (
        [(now, table_of(tuple(_books_of(workspace, of))))] if of else price_tables(tenant.id, now)
    )
    context = {
        "models": priced_models(contracts, tables[0][1]),
        "following": [(start, priced_models(contracts, table)) for start, table in tables[1:]],
        "books": books_of(tables[0][1].books),
        "withdrawals": [] if of else withdrawals(tenant.id, now),
        "of": of,
    }
    return rendered(request, workspace, "workspace/prices.html", context)


def _books_of(workspace: Workspace, generation: str) -> list[int]:
    """The price books a generation was priced by. Raises Http404 if the member may not see it."""
    if Permission.SEE_GENERATIONS not in workspace.may:
        raise Http404
    books: list[int] = one_of(workspace, generation).generation.priced["books"]
    return books


def _csv(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Return the ledger as CSV, or redirect to its export if it is long."""
    tenant, query = workspace.tenant, exports.query_of(request)
    newest = [transfer.seq or 0 for transfer in latest_transfers(tenant.id, limit=1)]
    pages, number = pages_of(workspace, query, clock.now()), sum(newest) - _after(query)
    return file_of(request, tenant.public_id, "ledger", COLUMNS, pages, number=number)


def _after(query: QueryDict) -> int:
    return number_of(query.get("after", "")) or 0


def pages_of(workspace: Workspace, query: QueryDict, at: datetime) -> Iterator[Rows]:
    """Yield the ledger in order, as it is now; with `after` the entries that follow that one."""
    del at
    after = _after(query)
    while page := statement(workspace.tenant.id, after_seq=after, limit=ROWS_AT_ONCE):
        yield [
            [
                transfer.seq, transfer.created_at, transfer.kind,
                to_decimal(transfer.amount), "USD", to_decimal(transfer.available_after or 0),
                to_decimal(transfer.held_after or 0), LedgerEntry(transfer).generation,
                transfer.reason_shown, bytes(transfer.seal or b"").hex(), transfer.reverses_seq,
            ]
            for transfer in page
        ]  # fmt: skip
        after = page[-1].seq or 0
