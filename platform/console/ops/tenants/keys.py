"""A tenant's key: its rules, their change, and the history of changes."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from accounts.models import SCOPES, ApiKey
from accounts.selectors.office.api_keys import api_key_by_id
from accounts.services.office.api_keys import change_api_key
from billing.selectors.office.balances import NOTHING_USED, key_uses
from console.ops.access import POST, Operator, Permission, by, done, or_404, rendered, staff
from console.ops.audit_events import history_of
from console.ops.tenants.rows import tenant_of
from console.parts.form_fields import dressed
from console.parts.key_form import ENDED, KeyForm, values_of
from pictor.kit.words import clock


def key_of(tenant: str, key: str) -> ApiKey:
    return or_404(api_key_by_id(key, tenant_id=tenant_of(tenant).id))


@staff(Permission.SEE)
def key(request: HttpRequest, operator: Operator, tenant: str, key: str) -> HttpResponse:
    """Show the rules of a key, as a form for operators who may change them, and its history."""
    return _page(request, operator, key_of(tenant, key))


@staff(Permission.TENANTS, POST, fresh=True)
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


def _page(
    request: HttpRequest, operator: Operator, key: ApiKey, form: KeyForm | None = None
) -> HttpResponse:
    now = clock.now()
    context = {
        "tenant": key.tenant,
        "key": key,
        "status": key.status(now),
        "use": key_uses(key.tenant_id, now).get(key.id, NOTHING_USED),
        "form": dressed(form or KeyForm(initial=values_of(key), most=SCOPES)),
        "history": history_of(key.tenant_id, "api_key", key.public_id),
    }
    return rendered(request, operator, "ops/tenant_key.html", context, refused=form)
