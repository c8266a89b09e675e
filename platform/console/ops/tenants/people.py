"""A tenant's keys and members, as staff make, end and invite them."""

from functools import partial

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from accounts.models import Membership
from accounts.selectors import api_key_by_id
from accounts.services import issue_api_key, revoke_api_key
from accounts.services.founding import Founded
from accounts.services.members import invite_as_operator
from console.ops.access import May, Operator, by, done, staff
from console.ops.tenants.founding import key_shown
from console.ops.tenants.one import page
from console.ops.tenants.rows import tenant_of
from console.people import invitations
from pictor.kit import clock


class KeyForm(forms.Form):
    """What a new key is called."""

    name = forms.CharField(max_length=100)


class InviteForm(forms.Form):
    """Whom to invite, as what."""

    email = forms.EmailField()
    role = forms.ChoiceField(choices=Membership.Role.choices)


@require_POST
@staff(May.TENANTS, fresh=True)
def create_key(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    """Make a live key, and show its text this once."""
    found, form = tenant_of(tenant), KeyForm(request.POST)
    if not form.is_valid():
        return page(request, operator, found, refusal="Give the key a name.")
    try:
        key, text = issue_api_key(
            tenant=found, name=form.cleaned_data["name"], **by(request, operator)
        )
    except ValidationError as error:
        return page(request, operator, found, refusal=" ".join(error.messages))
    return key_shown(request, operator, Founded(found, key, text))


@require_POST
@staff(May.TENANTS)
def revoke_key(request: HttpRequest, operator: Operator, tenant: str, key: str) -> HttpResponse:
    """End a key: the next request with it is refused."""
    found = tenant_of(tenant)
    ended = api_key_by_id(key, tenant_id=found.id)
    if ended is None:
        raise Http404
    revoke_api_key(key=ended, now=clock.now(), **by(request, operator))
    return done(request, f"{ended.name or 'Key'} revoked", "tenant", found.public_id)


@require_POST
@staff(May.TENANTS, fresh=True)
def invite_member(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    """Invite somebody by mail; again to the same address is a new link."""
    found, form = tenant_of(tenant), InviteForm(request.POST)
    if not form.is_valid():
        return page(request, operator, found, refusal="Type an e-mail address, and choose a role.")
    said = by(request, operator)
    try:
        invite_as_operator(
            tenant=found,
            email=form.cleaned_data["email"],
            role=Membership.Role(form.cleaned_data["role"]),
            by=operator.user,
            now=clock.now(),
            tell=partial(invitations.send, request),
            ip=said["ip"],
        )
    except ValidationError as error:
        return page(request, operator, found, refusal=" ".join(error.messages))
    return done(request, f"{form.cleaned_data['email']} invited", "tenant", found.public_id)
