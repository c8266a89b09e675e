"""A tenant's keys and members, managed by staff."""

from functools import partial
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from accounts.models import Membership, Tenant
from accounts.selectors import invitations_of, members_of
from accounts.services import (
    Founded,
    cancel_invitation_as_operator,
    change_role_as_operator,
    dismiss_member_as_operator,
    invite_as_operator,
    issue_api_key,
    revoke_api_key,
)
from console.ops.access import Operator, Permission, by, done, staff
from console.ops.tenants.founding import key_shown
from console.ops.tenants.keys import key_of
from console.ops.tenants.one import page
from console.ops.tenants.rows import tenant_of
from console.people import invitations
from pictor.kit.words import clock


class KeyNameForm(forms.Form):
    """The name of a new key; `once` is set when the form is shown, and becomes the key's id."""

    once = forms.UUIDField()
    name = forms.CharField(max_length=100)


class NewMemberForm(forms.Form):
    """The address and role of a new member."""

    email = forms.EmailField()
    role = forms.ChoiceField(choices=Membership.Role.choices)


@staff(Permission.TENANTS)
@require_POST
def create_key(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    """Create a live key, and show its secret once."""
    found, form = tenant_of(tenant), KeyNameForm(request.POST)
    if not form.is_valid():
        is_nameless = "name" in form.errors
        refusal = "Give the key a name." if is_nameless else "Type its name once more."
        return page(request, operator, found, refusal=refusal)
    try:
        key, text = issue_api_key(tenant=found, **form.cleaned_data, **by(request, operator))
    except ValidationError as error:
        return page(request, operator, found, refusal=" ".join(error.messages))
    return key_shown(request, operator, Founded(found, key, text))


@staff(Permission.TENANTS)
@require_POST
def revoke_key(request: HttpRequest, operator: Operator, tenant: str, key: str) -> HttpResponse:
    """Revoke a key: the next request with it is refused."""
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
    actor = by(request, operator)
    try:
        invite_as_operator(
            tenant=found,
            email=form.cleaned_data["email"],
            role=Membership.Role(form.cleaned_data["role"]),
            by=operator.user,
            now=clock.now(),
            tell=partial(invitations.send, request),
            ip=actor["ip"],
        )
    except ValidationError as error:
        return page(request, operator, found, refusal=" ".join(error.messages))
    return done(request, f"{form.cleaned_data['email']} invited", "tenant", found.public_id)


@staff(Permission.TENANTS)
@require_POST
def uninvite(
    request: HttpRequest, operator: Operator, tenant: str, invitation: UUID
) -> HttpResponse:
    """Cancel an invitation: its link no longer works."""
    found = tenant_of(tenant)
    invited = {
        invitation.id: invitation for invitation in invitations_of(found.id, now=clock.now())
    }
    if invitation not in invited:
        raise Http404
    email = invited[invitation].email
    try:
        cancel_invitation_as_operator(invitation=invited[invitation], **by(request, operator))
    except ValidationError as error:
        return page(request, operator, found, refusal=" ".join(error.messages))
    return done(request, f"{email} is no longer invited", "tenant", tenant)


@staff(Permission.TENANTS)
@require_POST
def set_role(request: HttpRequest, operator: Operator, tenant: str, person: str) -> HttpResponse:
    """Change the role of a member; the message names the former role."""
    found, role = tenant_of(tenant), request.POST.get("role", "")
    member = _member(found, person)
    if role not in Membership.Role.values:
        return page(request, operator, found, refusal="Choose a role.")
    before = member.get_role_display()
    try:
        change_role_as_operator(
            membership=member, role=Membership.Role(role), **by(request, operator)
        )
    except ValidationError as error:
        return page(request, operator, found, refusal=" ".join(error.messages))
    words = f"{member.user.email}: {before} → {member.get_role_display()}"
    return done(request, words, "tenant", tenant)


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
    try:
        dismiss_member_as_operator(
            membership=member, heir=heir, now=clock.now(), **by(request, operator)
        )
    except ValidationError as error:
        return page(request, operator, found, refusal=" ".join(error.messages))
    return done(request, f"{member.user.email} removed", "tenant", tenant)


def _member(tenant: Tenant, person: str) -> Membership:
    for member in members_of(tenant.id):
        if str(member.user_id) == person:
            return member
    raise Http404
