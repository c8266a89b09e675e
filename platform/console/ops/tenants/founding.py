"""A new tenant in one form: owner, opening credit, limits, and its first key, shown once."""

from functools import partial
from http import HTTPStatus
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods
from typing_extensions import override

from accounts import rates
from accounts.services import Founded, Owner, Start, TenantLimits, found_tenant
from billing.models import PriceList
from billing.selectors import lists_by_name
from billing.services import day_so_far
from console.ops.access import Operator, Permission, by, done, staff
from console.parts.form_fields import (
    DollarsField,
    LimitField,
    dressed,
    take_errors,
)
from console.people import invitations
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros

MAX_REASON_CHARS = 200
LIMITS = ("requests_per_minute", "images_per_minute", "max_in_flight")


class TenantLimitsForm(forms.Form):
    """The limits of a tenant over all its keys; an empty field is no limit."""

    requests_per_minute = LimitField(label="Requests per minute")
    images_per_minute = LimitField(label="Images per minute")
    max_in_flight = LimitField(label="Requests at once")

    def limits(self) -> TenantLimits:
        return TenantLimits(**{name: self.cleaned_data[name] for name in LIMITS})


class TenantForm(TenantLimitsForm):
    once = forms.UUIDField(widget=forms.HiddenInput)
    name = forms.CharField(max_length=100, label="Name")
    owner = forms.EmailField(label="E-mail of its owner")
    credit = DollarsField(label="Opening credit, USD")
    words = forms.CharField(
        max_length=MAX_REASON_CHARS, required=False, label="Words for the customer"
    )
    note = forms.CharField(max_length=MAX_REASON_CHARS, required=False, label="Note for staff")
    price_list = forms.ModelChoiceField(
        lists_by_name(),
        required=False,
        empty_label="None",
        label="Shared list",
    )

    @override
    def clean(self) -> None:
        super().clean()
        if self.cleaned_data.get("credit") and not self.cleaned_data.get("note"):
            self.add_error("note", "Give a reason, for other staff.")


@staff(Permission.TENANTS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Create a tenant; a repeat creates none, and does not show the key again."""
    if request.method != "POST":
        return _page(request, operator, TenantForm(initial={"once": ids.new_uuid()}))
    form = TenantForm(request.POST)
    if form.is_valid():
        try:
            answer = _create_tenant(request, operator, form)
        except ValidationError as error:
            take_errors(form, error)
        else:
            return _show_result(request, operator, answer)
    return _page(request, operator, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _create_tenant(request: HttpRequest, operator: Operator, form: TenantForm) -> Founded:
    data = form.cleaned_data
    may_give = Permission.MONEY in operator.may
    start = Start(
        credit=Micros((data["credit"] or 0) if may_give else 0),
        words=data["words"],
        note=data["note"],
        price_list=_list_name(operator, form),
        limits=form.limits(),
    )
    rates.take_typed_mail(data["owner"], field="owner")
    tell = partial(invitations.send, request)
    once: UUID = data["once"]
    return found_tenant(
        once=once,
        name=data["name"],
        start=start,
        owner=Owner(email=data["owner"], by=operator.user, tell=tell),
        now=clock.now(),
        **by(request, operator),
    )


def _list_name(operator: Operator, form: TenantForm) -> str:
    """Return the name of the chosen list if the operator may publish prices; else ""."""
    chosen: PriceList | None = form.cleaned_data["price_list"]
    return chosen.name if chosen and Permission.PUBLISH in operator.may else ""


def _show_result(request: HttpRequest, operator: Operator, founded: Founded) -> HttpResponse:
    if founded.key is None:
        words = f"{founded.tenant.name} was created by the first click, which showed its key"
        return done(request, words, "tenant", founded.tenant.public_id)
    return key_shown(request, operator, founded)


def key_shown(request: HttpRequest, operator: Operator, founded: Founded) -> HttpResponse:
    context = {
        "operator": operator,
        "tenant": founded.tenant,
        "key": founded.key,
        "text": founded.text,
        "credit_waits": founded.credit_waits,
    }
    return render(request, "ops/tenant_key_made.html", context)


def _page(
    request: HttpRequest,
    operator: Operator,
    form: TenantForm,
    *,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    day = day_so_far(operator.user, now=clock.now())
    context = {"operator": operator, "form": dressed(form), "day": day}
    return render(request, "ops/tenant_new.html", context, status=status)
