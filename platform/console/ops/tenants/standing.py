"""Whether and how much a tenant may order: suspended with a reason, resumed, limited."""

from dataclasses import asdict
from http import HTTPStatus

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from accounts.services import change_tenant, resume, suspend
from console.ops.access import May, Operator, by, done, staff
from console.ops.tenants.founding import LIMITS, LimitsForm
from console.ops.tenants.one import page
from console.ops.tenants.rows import tenant_of
from console.parts.fields import dressed, take_errors

MOST_WORDS = 200
WORDS = {
    "requests_per_minute": "requests per minute",
    "images_per_minute": "images per minute",
    "max_in_flight": "requests at once",
}


class SuspendForm(forms.Form):
    """Why: what its members read, and what staff note."""

    words = forms.CharField(max_length=MOST_WORDS)
    note = forms.CharField(max_length=MOST_WORDS, required=False)


@require_POST
@staff(May.TENANTS)
def suspend_one(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    """Refuse its requests from the next one on; what runs is finished."""
    found, form = tenant_of(tenant), SuspendForm(request.POST)
    if not form.is_valid():
        refusal = "Say why, in at most 200 characters: its members read it."
        return page(request, operator, found, refusal=refusal)
    try:
        told = suspend(tenant=found, **form.cleaned_data, **by(request, operator))
    except ValidationError as error:
        return page(request, operator, found, refusal=_said(error))
    members = f"{told} member{'' if told == 1 else 's'} mailed the reason"
    return done(request, f"{found.name} suspended, {members}", "tenant", found.public_id)


@require_POST
@staff(May.TENANTS)
def resume_one(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    """Let it work again."""
    found = tenant_of(tenant)
    try:
        resume(tenant=found, **by(request, operator))
    except ValidationError as error:
        return page(request, operator, found, refusal=_said(error))
    return done(request, f"{found.name} works again", "tenant", found.public_id)


@require_POST
@staff(May.TENANTS)
def change_limits(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    """Give it other limits, and say what they were."""
    found, form = tenant_of(tenant), dressed(LimitsForm(request.POST))
    if form.is_valid():
        before = {name: getattr(found, name) for name in LIMITS}
        after = form.limits()
        try:
            change_tenant(tenant=found, name=found.name, limits=after, **by(request, operator))
        except ValidationError as error:
            take_errors(form, error)
        else:
            said = _changes(before, asdict(after)) or "Nothing changed"
            return done(request, said, "tenant", found.public_id)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return page(request, operator, found, limits=form, status=status)


def _changes(before: dict[str, int | None], after: dict[str, int | None]) -> str:
    """'Requests per minute: 30 → no limit'."""
    said = [
        f"{WORDS[name]}: {_number(before[name])} → {_number(after[name])}"
        for name in LIMITS
        if before[name] != after[name]
    ]
    return "; ".join(said).capitalize()


def _number(most: int | None) -> str:
    return "no limit" if most is None else f"{most:,}"


def _said(error: ValidationError) -> str:
    return " ".join(error.messages).capitalize()
