"""A tenant's key: new, its rules, their change, and the history of changes."""

from http import HTTPStatus

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.audit_log import audit_events_about
from accounts.models import SCOPES, ApiKey
from accounts.selectors import api_key_by_id
from accounts.services import Founded, change_api_key, issue_api_key
from billing.selectors import NOTHING_USED, key_uses
from console.ops.access import Operator, Permission, by, done, staff
from console.ops.audit_events import full_entries
from console.ops.tenants.founding import key_shown
from console.ops.tenants.one import page
from console.ops.tenants.rows import tenant_of
from console.parts.form_fields import dressed
from console.parts.key_form import ENDED, KeyForm, values_of
from pictor.kit.words import clock

SHOWN_EVENTS = 20


class KeyNameForm(forms.Form):
    """The name of a new key; `once` is set when the form is shown, and becomes the key's id."""

    once = forms.UUIDField()
    name = forms.CharField(max_length=100)


def key_of(tenant: str, key: str) -> ApiKey:
    found = api_key_by_id(key, tenant_id=tenant_of(tenant).id)
    if found is None:
        raise Http404
    return found


@staff(Permission.SEE)
@require_http_methods(["GET", "HEAD"])
def key(request: HttpRequest, operator: Operator, tenant: str, key: str) -> HttpResponse:
    """Show the rules of a key, as a form for operators who may change them, and its history."""
    return _page(request, operator, key_of(tenant, key))


@staff(Permission.TENANTS, fresh=True)
@require_http_methods(["POST"])
def change(request: HttpRequest, operator: Operator, tenant: str, key: str) -> HttpResponse:
    """Change the name and rules of a key; they apply from the next request on."""
    found = key_of(tenant, key)
    form = KeyForm(request.POST, initial=values_of(found), most=SCOPES)
    if form.is_valid() and found.has_ended(clock.now()):
        form.add_error(None, ENDED)
    if form.is_valid():
        name, who = form.cleaned_data["name"], by(request, operator)
        try:
            change_api_key(key=found, name=name, rules=form.rules_for(found), **who)
        except ValidationError as error:
            form.take_errors(error)
        else:
            return done(request, "Changes saved", "tenant_key", tenant, found.public_id)
    return _page(request, operator, found, form)


@staff(Permission.TENANTS)
@require_POST
def create_key(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    """Create a live key; show its secret once, unless an owner of the tenant is to open it."""
    found, form = tenant_of(tenant), KeyNameForm(request.POST)
    if not form.is_valid():
        is_nameless = "name" in form.errors
        refusal = "Give the key a name." if is_nameless else "Type its name once more."
        return page(request, operator, found, refusal=refusal)
    try:
        key, text = issue_api_key(
            tenant=found,
            waits_for_owner=True,
            **form.cleaned_data,
            **by(request, operator),
        )
    except ValidationError as error:
        return page(request, operator, found, refusal=" ".join(error.messages))
    if not text:
        words = f"{key.name} created: an owner sees its secret once, on opening it"
        return done(request, words, "tenant", found.public_id)
    return key_shown(request, operator, Founded(found, key, text))


def _page(
    request: HttpRequest, operator: Operator, key: ApiKey, form: KeyForm | None = None
) -> HttpResponse:
    events = audit_events_about(key.tenant_id, "api_key", key.public_id, limit=SHOWN_EVENTS)
    now = clock.now()
    context = {
        "operator": operator,
        "tenant": key.tenant,
        "key": key,
        "status": key.status(now),
        "use": key_uses(key.tenant_id, now).get(key.id, NOTHING_USED),
        "form": dressed(form or KeyForm(initial=values_of(key), most=SCOPES)),
        "history": full_entries(events),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form else HTTPStatus.OK
    return render(request, "ops/tenant_key.html", context, status=status)
