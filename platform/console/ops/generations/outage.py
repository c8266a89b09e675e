"""A credit to every tenant hit by an outage: the tenants, the amounts, each credited once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from billing.selectors import available_among
from billing.services import is_typed_twice
from console.ops.access import Operator, Permission, staff
from console.ops.generations.giving import MAX_CHARACTERS, giver_of
from console.ops.generations.seeking import CLASSES
from console.parts.form_fields import (
    ConfirmationInput,
    DollarsField,
    MomentField,
    dressed,
    take_errors,
)
from generation.catalogue.snapshot import current_catalogue
from generation.oversight.outages import Outage, OutageVictim, credit_all, hit_by, why_they_wait
from generation.selectors import channel_names
from pictor.kit.words import clock
from pictor.kit.words.money import Micros


class OutageForm(forms.Form):
    since = MomentField(label="From")
    until = MomentField(label="To")
    model = forms.CharField(label="Model", required=False, max_length=64)
    channel = forms.CharField(label="Channel", required=False, max_length=100)
    attempt_class = forms.ChoiceField(
        label="Attempt ended as", required=False, choices=[("", "Any"), *CLASSES.items()]
    )
    each = DollarsField(label="Each gets, USD")

    def clean_each(self) -> Micros | None:
        """Return the amount for each tenant; None credits what its requests were quoted."""
        each: Micros | None = self.cleaned_data["each"]
        if each is not None and is_typed_twice(each):
            raise ValidationError(
                "Give an amount this large on the tenant's page, where it is typed twice."
            )
        return each

    @property
    def outage(self) -> Outage:
        data = {name: value for name, value in self.cleaned_data.items() if name != "each"}
        return Outage(**data)


class AgreementForm(forms.Form):
    """The reason, and the number of tenants, typed; `seen` is the total that was shown.

    `once` is set when the form is shown.
    """

    once = forms.UUIDField(widget=forms.HiddenInput)
    seen = forms.IntegerField(widget=forms.HiddenInput)
    note = forms.CharField(label="Note for staff", max_length=MAX_CHARACTERS)
    words = forms.CharField(label="Words for the customers", max_length=MAX_CHARACTERS)
    number = forms.IntegerField(
        label="Type the number of tenants",
        min_value=0,
        widget=ConfirmationInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


@staff(Permission.MONEY, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def outage(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Show the tenants hit by an outage and their credits; a sent form credits them."""
    typed = request.POST if request.method == "POST" else request.GET
    form = OutageForm(typed if "since" in typed else None, initial=_last_hour())
    hits = _hits(form)
    each = form.cleaned_data.get("each") if form.is_bound and form.is_valid() else None
    due = [hit for hit in hits if hit.due(each)]
    total = sum(hit.due(each) for hit in due)
    agreement = AgreementForm(
        request.POST if request.method == "POST" else None,
        initial={"once": uuid4(), "seen": total},
    )
    results = None
    if agreement.is_bound and form.is_valid() and _is_agreed(agreement, len(due), total):
        data = agreement.cleaned_data
        results = credit_all(
            once=data["once"], outage=form.outage, hits=hits, each=each, words=data["words"],
            note=data["note"], giver=giver_of(request, operator), now=clock.now(),
        )  # fmt: skip
    context = {
        "operator": operator,
        "form": dressed(form),
        "agreement": dressed(agreement),
        "rows": _rows(hits, each),
        "due": len(due),
        "total": total,
        "waits": why_they_wait(hits, each, actor=operator.user, now=clock.now()),
        "is_asked": form.is_bound and form.is_valid(),
        "results": results,
        "models": list(current_catalogue().contracts),
        "channels": channel_names(),
    }
    is_refused = agreement.is_bound and results is None
    status = HTTPStatus.UNPROCESSABLE_ENTITY if is_refused else HTTPStatus.OK
    return render(request, "ops/outage.html", context, status=status)


def _last_hour() -> dict[str, datetime]:
    until = clock.now().replace(second=0, microsecond=0)
    return {"since": until - timedelta(hours=1), "until": until}


def _hits(form: OutageForm) -> Sequence[OutageVictim]:
    """Return the tenants hit; errors of the outage are added to the form."""
    if not form.is_bound or not form.is_valid():
        return []
    try:
        return hit_by(form.outage, now=clock.now())
    except ValidationError as error:
        take_errors(form, error)
        return []


def _is_agreed(agreement: AgreementForm, tenants: int, total: int) -> bool:
    """True if the total is still as shown and the number of tenants was typed."""
    if not agreement.is_valid():
        return False
    data: dict[str, Any] = agreement.cleaned_data
    if data["seen"] != total:
        agreement.add_error(None, "It has changed since it was shown: check it again.")
    elif data["number"] != tenants:
        agreement.add_error("number", f"There are {tenants}.")
    return not agreement.errors


def _rows(
    hits: Sequence[OutageVictim], each: Micros | None
) -> list[tuple[OutageVictim, Micros, int, int]]:
    """Return each tenant with its credit, and its balance before and after."""
    available = available_among([hit.tenant.id for hit in hits])
    return [
        (hit, hit.due(each), before, before + hit.due(each))
        for hit in hits
        for before in (available.get(hit.tenant.id, 0),)
    ]
