"""Copy a model, or edit its contract: typed in rows, shown before and after, then saved."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from console.ops.access import FORM, Operator, Permission, by, done, rendered, staff
from console.ops.models import forms
from console.ops.models.forms import CopyForm, ModelForm, SizeRow
from console.ops.models.one import events_of, model_or_404
from console.parts.audit_events import ChangedValue, changes_of
from console.parts.compared_forms import CHANGED_MEANWHILE
from console.parts.form_fields import dressed, take_errors
from console.parts.page_query import meant_by
from console.parts.periods import number_of
from generation.catalogue import services
from generation.channels.size_rules import SizeRule
from generation.models import Contract
from generation.oversight.contract_review import Review, review
from pictor.kit.words import clock

_PUT_BACK = frozenset(services.columns_of(Contract())) - {"is_enabled"}


@dataclass(frozen=True, slots=True)
class ReviewedChange:
    review: Review

    @property
    def changes(self) -> Sequence[ChangedValue]:
        return changes_of(self.review.before, self.review.after)

    @property
    def digest(self) -> str:
        """A digest that differs if the change would be another one."""
        contracts = [self.review.before, self.review.after]
        return sha256(json.dumps(contracts, default=str, sort_keys=True).encode()).hexdigest()[:16]


@staff(Permission.CHANNELS, FORM, fresh=True)
def edit(request: HttpRequest, operator: Operator, model: str) -> HttpResponse:
    """Edit a contract: show its rows, then a review of the change, then save it."""
    found = model_or_404(model)
    if request.method != "POST":
        return _page(request, operator, found, *forms.form_of(_initial_columns(request, found)))
    rows = forms.typed_rows(request.POST)
    if "row" in request.GET:
        rows = _with_row(rows, request.GET["row"])
        return _page(request, operator, found, forms.kept_form(request.POST), rows)
    form = ModelForm(request.POST)
    columns = forms.columns_typed(found, form, rows)
    if columns is None:
        return _page(request, operator, found, form, rows)
    reviewed = ReviewedChange(review(found, columns, now=clock.now()))
    return _save(request, operator, found, columns, reviewed) or _page(
        request, operator, found, form, rows, reviewed=reviewed
    )


def _save(
    request: HttpRequest,
    operator: Operator,
    contract: Contract,
    columns: Mapping[str, Any],
    reviewed: ReviewedChange,
) -> HttpResponse | None:
    """Save the change and return the page to go to; None if it must be reviewed first."""
    if columns == services.columns_of(contract):  # perhaps by a first click
        return done(request, f"{contract.model} is saved", "model", contract.model)
    if request.POST.get("shown") != digest_of(contract):
        messages.error(request, CHANGED_MEANWHILE)
        return None
    if request.POST.get("seen") != reviewed.digest:
        return None
    try:
        services.set_contract(model=contract.model, columns=columns, **by(request, operator))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return None
    return done(request, f"{contract.model} is saved", "model", contract.model)


def digest_of(contract: Contract) -> str:
    columns = json.dumps(services.columns_of(contract), sort_keys=True)
    return sha256(columns.encode()).hexdigest()[:16]


def _initial_columns(request: HttpRequest, contract: Contract) -> Mapping[str, Any]:
    """Return the stored columns, or those before a change that the address names."""
    columns = services.columns_of(contract)
    back = meant_by(request.GET, "back", number_of)
    events = [event for event in events_of(contract.model) if event.pk == back] if back else []
    before = next((event.before for event in events if event.action == "contract.set"), None) or {}
    return columns | {name: word for name, word in before.items() if name in _PUT_BACK}


def _with_row(rows: list[SizeRow], word: str) -> list[SizeRow]:
    """Add an empty row, or remove the row at that position."""
    if word == "add":
        return [*rows, SizeRow(is_new=True)][: forms.MAX_ROWS]
    place = number_of(word)
    return [row for number, row in enumerate(rows) if number != place]


def _page(
    request: HttpRequest,
    operator: Operator,
    contract: Contract,
    form: ModelForm,
    rows: list[SizeRow],
    *,
    reviewed: ReviewedChange | None = None,
) -> HttpResponse:
    is_refused = bool(form.is_bound and form.errors) or any(row.errors for row in rows)
    context = {
        "model": contract,
        "form": form,
        "rows": rows,
        "rule": contract.size_rule and SizeRule(**contract.size_rule),
        "seen": reviewed,
        # A reviewed change was compared with the present contract, which its page shows.
        "shown": (not reviewed and request.POST.get("shown")) or digest_of(contract),
        "is_refused": is_refused,
        "tiers": sorted({row.tier for row in rows if row.tier}),
    }
    return rendered(request, operator, "ops/model_edit.html", context, refused=is_refused)


@staff(Permission.CHANNELS, FORM, fresh=True)
def copy(request: HttpRequest, operator: Operator, model: str) -> HttpResponse:
    """Create a model with the contract of another one, switched off."""
    found = model_or_404(model)
    data = request.POST if request.method == "POST" else None
    form = dressed(CopyForm(data, initial={"source": found}))
    if form.is_valid():
        name, source = form.cleaned_data["model"], form.cleaned_data["source"].model
        try:
            services.copy_contract(model=name, source=source, **by(request, operator))
        except ValidationError as error:
            take_errors(form, error)
        else:
            return done(request, f"{name} is created, switched off", "model", name)
    context = {"model": found, "form": form}
    return rendered(request, operator, "ops/model_copy.html", context, refused=form.is_bound)
