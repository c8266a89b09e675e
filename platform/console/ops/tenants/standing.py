"""A tenant's permission to order: suspended with a reason, resumed, limited."""

from collections.abc import Mapping
from http import HTTPStatus

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from accounts.services import change_standing
from console.amounts import amount
from console.ops.access import Operator, Permission, by, done, staff
from console.ops.tenants.founding import StandingForm, standing_of
from console.ops.tenants.one import page
from console.ops.tenants.rows import tenant_of
from console.parts.form_fields import dressed, take_errors

WORDS = {
    "name": "name",
    "requests_per_minute": "requests per minute",
    "images_per_minute": "images per minute",
    "max_in_flight": "requests at once",
    "uncharged_ceiling": "uncharged cost a day",
    "prompt_retention_days": "days that prompts are kept",
}


UNSET = {"uncharged_ceiling": "the default", "prompt_retention_days": "always"}
"""The meaning of an empty field that is not "no limit"."""
Standing = Mapping[str, str | int | None]


@staff(Permission.TENANTS)
@require_POST
def change_limits(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    found = tenant_of(tenant)
    may_erase = Permission.ERASE in operator.may
    form = dressed(StandingForm(request.POST, initial=standing_of(found), may_erase=may_erase))
    if form.is_valid():
        try:
            changed = change_standing(tenant=found, **form.standing(), **by(request, operator))
        except ValidationError as error:
            take_errors(form, error)
        else:
            words = _changes(standing_of(found), standing_of(changed)) or "Nothing changed"
            return done(request, words, "tenant", found.public_id)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return page(request, operator, found, limits=form, status=status)


def _changes(before: Standing, after: Standing) -> str:
    """Describe the changes: 'Requests per minute: 30 → no limit'."""
    changes = [
        f"{WORDS[name]}: {_value(name, before[name])} → {_value(name, after[name])}"
        for name in WORDS
        if before[name] != after[name]
    ]
    text = "; ".join(changes)
    return text[:1].upper() + text[1:]


def _value(name: str, value: str | int | None) -> str:
    if not isinstance(value, int):
        return value or UNSET.get(name, "no limit")
    return amount(value) if name == "uncharged_ceiling" else f"{value:,}"
