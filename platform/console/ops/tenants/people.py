"""A tenant's keys and members, managed by staff."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from accounts import rates
from accounts.models import Membership, Tenant
from accounts.selectors import invitations_of, members_of
from accounts.services import (
    Founded,
    ask_member_change,
    cancel_invitation_as_operator,
    issue_api_key,
    revoke_api_key,
)
from console.ops.access import Operator, Permission, by, done, staff
from console.ops.tenants.founding import key_shown
from console.ops.tenants.keys import key_of
from console.ops.tenants.one import page
from console.ops.tenants.rows import tenant_of
from pictor.kit.words import clock


class KeyNameForm(forms.Form):
    """The name of a new key; `once` is set when the form is shown, and becomes the key's id."""

    once = forms.UUIDField()
    name = forms.CharField(max_length=100)


class NewMemberForm(forms.Form):
    email = forms.EmailField()
    role = forms.ChoiceField(choices=Membership.Role.choices)


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


@staff(Permission.TENANTS)
@require_POST
def revoke_key(request: HttpRequest, operator: Operator, tenant: str, key: str) -> HttpResponse:
    ended = key_of(tenant, key)
    revoke_api_key(key=ended, now=clock.now(), **by(request, operator))
    return done(request, f"{ended.name or 'Key'} revoked", "tenant", tenant)


@staff(Permission.TENANTS)
@require_POST
def invite_member(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    """Invite a member by mail; a repeated invitation to an address is a new link."""
    found, form = tenant_of(tenant), NewMemberForm(request.POST)
    if not form.is_valid():
        return page(request, operator, found, refusal="Type an e-mail address, and choose a role.")
    email = form.cleaned_data["email"]
    role = form.cleaned_data["role"]
    words = f"{email} invited"
    try:
        rates.take_typed_mail(email)
    except ValidationError as error:
        return page(request, operator, found, refusal=" ".join(error.messages))
    return _change(request, operator, found, words, email=email, before="", role=role)


@staff(Permission.TENANTS)
@require_POST
def uninvite(
    request: HttpRequest, operator: Operator, tenant: str, invitation: UUID
) -> HttpResponse:
    """Cancel an invitation: its link no longer works. One by staff needs nobody's agreement."""
    found = tenant_of(tenant)
    invited = {
        invitation.id: invitation for invitation in invitations_of(found.id, now=clock.now())
    }
    if invitation not in invited:
        raise Http404
    one = invited[invitation]
    words = f"{one.email} is no longer invited"
    if not one.is_of_staff:
        return _change(request, operator, found, words, email=one.email, before="", role="")
    try:
        cancel_invitation_as_operator(invitation=one, **by(request, operator))
    except ValidationError as error:
        return page(request, operator, found, refusal=" ".join(error.messages))
    return done(request, words, "tenant", tenant)


@staff(Permission.TENANTS)
@require_POST
def set_role(request: HttpRequest, operator: Operator, tenant: str, person: str) -> HttpResponse:
    """Change the role of a member; the message names the former role."""
    found, role = tenant_of(tenant), request.POST.get("role", "")
    member = _member(found, person)
    if role not in Membership.Role.values:
        return page(request, operator, found, refusal="Choose a role.")
    email, before = member.user.email, member.role
    words = f"{email}: {member.get_role_display()} → {Membership.Role(role).label}"
    return _change(request, operator, found, words, email=email, before=before, role=role)


@staff(Permission.TENANTS)
@require_POST
def remove_member(
    request: HttpRequest, operator: Operator, tenant: str, person: str
) -> HttpResponse:
    """End a membership; the keys that the member made go to another member or are revoked."""
    found, keys = tenant_of(tenant), request.POST.get("keys", "")
    member = _member(found, person)
    heir = next(
        (member.user for member in members_of(found.id) if str(member.user_id) == keys), None
    )
    number_of_keys: int = member.keys_made  # type: ignore[attr-defined]  # annotated by members_of
    if number_of_keys and heir is None and keys != "revoke":
        return page(request, operator, found, refusal="Choose what happens to the keys they made.")
    email, before = member.user.email, member.role
    words = f"{email} removed"
    return _change(request, operator, found, words, email=email, before=before, role="", heir=heir)


def _change(
    request: HttpRequest, operator: Operator, tenant: Tenant, words: str, **change: Any
) -> HttpResponse:
    """Change the tenant's people, or ask for it where an owner has a say; `words` if it is done."""
    site, ip = request.build_absolute_uri("/"), request.META.get("REMOTE_ADDR")
    change |= {"actor": operator.user, "now": clock.now(), "site": site, "ip": ip}
    try:
        waiting = ask_member_change(tenant=tenant, **change)
    except ValidationError as error:
        return page(request, operator, tenant, refusal=" ".join(error.messages))
    if waiting:
        words = f"{waiting}: waits for a second person and 24 hours, or for an owner"
    return done(request, words, "tenant", tenant.public_id)


def _member(tenant: Tenant, person: str) -> Membership:
    for member in members_of(tenant.id):
        if str(member.user_id) == person:
            return member
    raise Http404
