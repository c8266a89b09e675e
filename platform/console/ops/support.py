"""Support views of a tenant: open one, list the latest ones, end one."""

from http import HTTPStatus
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.models import Tenant
from accounts.selectors.office.support import support_grant_by_id, support_grants_of
from accounts.selectors.office.tenants import tenant_by_public_id
from accounts.services.office.support import SUPPORT_REASON_CHARS, end_support, open_support
from console.ops.access import POST, Operator, Permission, by, done, or_404, rendered, staff
from console.parts.form_fields import dressed, take_errors
from console.parts.support import remember
from pictor.kit.words import clock

SHOWN_GRANTS = 20


class SupportReasonForm(forms.Form):
    """The reason for the view, which the tenant can read. `once` is the form's own id."""

    once = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    reason = forms.CharField(max_length=SUPPORT_REASON_CHARS, label="Why")


@staff(Permission.SUPPORT_VIEW, fresh=True)
def support(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    """Show what a support view of the tenant covers, and the latest ones."""
    return _page(request, operator, or_404(tenant_by_public_id(tenant)), SupportReasonForm())


@staff(Permission.SUPPORT_VIEW, POST)
def open_view(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    """Open a support view for this session, and redirect to it."""
    found, form = or_404(tenant_by_public_id(tenant)), SupportReasonForm(request.POST)
    if form.is_valid():
        ip, now = by(request, operator)["ip"], clock.now()
        try:
            grant = open_support(
                tenant=found, user=operator.user, now=now, ip=ip, **form.cleaned_data
            )
        except ValidationError as error:
            take_errors(form, error)
        else:
            if grant.opened_at == now:  # not by a form that another session has sent
                remember(request, grant)
            page = reverse("workspace:overview", args=[tenant])
            return HttpResponseRedirect(page, status=HTTPStatus.SEE_OTHER)
    return _page(request, operator, found, form)


@staff(Permission.SUPPORT_VIEW, POST)
def end_view(request: HttpRequest, operator: Operator, tenant: str, grant: str) -> HttpResponse:
    """End a support view, also one that another operator opened."""
    opened = support_grant_by_id(grant)
    if opened is None or opened.tenant.public_id != tenant:
        raise Http404
    is_ended = end_support(grant=opened, now=clock.now(), **by(request, operator))
    words = "Support view ended" if is_ended else "The support view had ended before"
    return done(request, words, "support", tenant)


def _page(
    request: HttpRequest, operator: Operator, tenant: Tenant, form: SupportReasonForm
) -> HttpResponse:
    now = clock.now()
    grants = support_grants_of(tenant.id, limit=SHOWN_GRANTS)
    context = {
        "tenant": tenant,
        "form": dressed(form),
        "grants": [(grant, grant.ends_at > now) for grant in grants],
    }
    return rendered(request, operator, "ops/support.html", context, refused=form.errors)
