"""Members: their roles and sign-in, invitations, and removal."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import rates
from accounts.models import Invitation, Membership
from accounts.selectors.office.api_keys import api_keys_of
from accounts.selectors.office.members import invitations_of, members_of, waiting_member_changes
from accounts.services.office.member_changes import decide_member_change
from accounts.services.office.members import (
    cancel_invitation,
    change_role,
    dismiss_member,
    invite,
    require_second_factor,
    roles_under,
)
from console.parts.form_fields import dressed, take_errors
from console.people import invitations
from console.workspace.access import (
    OWNER,
    POST,
    Permission,
    Workspace,
    done,
    member,
    or_404,
    rendered,
)
from pictor.kit.words import clock, ids

ROLE_WORDS = {
    "owner": "Everything, including owners and the workspace itself",
    "admin": "Everything except owners",
    "developer": "Images, webhooks, and the keys they make",
    "billing": "Usage and money",
    "viewer": "View everything except secrets",
}
REQUIRED = {"yes": True, "no": False}
DECISIONS = {"agree": "Change made", "refuse": "Change refused"}
"""Decisions of an owner on a change that support asks for, with the words when it is done."""


class InviteForm(forms.Form):
    email = forms.EmailField(label="E-mail address")
    role = forms.ChoiceField(
        label="Role", choices=Membership.Role.choices, initial=Membership.Role.DEVELOPER
    )


@member(Permission.MANAGE)
def listing(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """List all members with the keys they made, and open invitations."""
    return _page(request, workspace, InviteForm())


@member(Permission.MANAGE, POST)
def invite_one(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Invite an address by mail; a second invitation to it sends a new link."""
    form = InviteForm(request.POST)
    if form.is_valid():
        try:
            rates.take_typed_mail(form.cleaned_data["email"])
            invite(
                by=workspace.member,
                email=form.cleaned_data["email"],
                role=Membership.Role(form.cleaned_data["role"]),
                now=clock.now(),
                tell=partial(invitations.send, request),
                ip=request.META.get("REMOTE_ADDR"),
            )
        except ValidationError as error:
            take_errors(form, error)
        else:
            return done(request, workspace, "Invitation sent", "members")
    return _page(request, workspace, form)


@member(Permission.MANAGE, POST)
def uninvite(request: HttpRequest, workspace: Workspace, invitation: str) -> HttpResponse:
    found = _invitation(workspace, invitation)
    act = partial(cancel_invitation, invitation=found)
    return _run_action(request, workspace, act, "Invitation canceled")


@member(Permission.MANAGE, POST)
def set_role(request: HttpRequest, workspace: Workspace, person: str) -> HttpResponse:
    found = _member(workspace, person)
    role = request.POST.get("role", "")
    if role not in Membership.Role.values:
        return _refuse(request, workspace, ValidationError("Choose a role."))
    act = partial(change_role, membership=found, role=Membership.Role(role))
    return _run_action(request, workspace, act, "Role changed")


@member(Permission.MANAGE, POST)
def remove(request: HttpRequest, workspace: Workspace, person: str) -> HttpResponse:
    """Remove a member, or leave the workspace; the keys they made go to an heir or are revoked."""
    found = _member(workspace, person)
    heirs = {
        str(membership.user_id): membership.user for membership in members_of(workspace.tenant.id)
    }
    heir, ends = heirs.get(request.POST.get("keys", "")), request.POST.get("keys") == "revoke"
    if heir is None and not ends and _has_active_keys(workspace, found):
        why = ValidationError("Choose what happens to the keys they made.")
        return _refuse(request, workspace, why)
    try:
        dismiss_member(
            membership=found,
            by=workspace.member,
            heir=heir,
            now=clock.now(),
            ip=request.META.get("REMOTE_ADDR"),
        )
    except ValidationError as error:
        return _refuse(request, workspace, error)
    if found.user_id == workspace.user.id:
        messages.success(request, "You have left the workspace")
        return redirect("workspace:choose")
    return done(request, workspace, "Member removed", "members")


@member(Permission.ALLOW_SUPPORT, POST)
def decide_change(
    request: HttpRequest, workspace: Workspace, change: UUID, decision: str
) -> HttpResponse:
    """Agree to a change of members that support asked for, or refuse it."""
    if decision not in DECISIONS:
        raise Http404
    try:
        decide_member_change(
            change_id=change,
            decision=decision,
            actor=workspace.user,
            now=clock.now(),
            tenant_id=workspace.tenant.id,
            ip=request.META.get("REMOTE_ADDR"),
        )
    except ValidationError as error:
        return _refuse(request, workspace, error)
    return done(request, workspace, DECISIONS[decision], "members")


@member(Permission.MANAGE, POST)
def set_factor(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Require a second factor of all members, or stop requiring it."""
    wish = request.POST.get("required", "")
    if wish not in REQUIRED:
        return _refuse(request, workspace, ValidationError("Choose whether it is required."))
    words = "required" if REQUIRED[wish] else "no longer required"
    act = partial(require_second_factor, is_required=REQUIRED[wish])
    return _run_action(request, workspace, act, f"Second factor {words}")


def _page(
    request: HttpRequest,
    workspace: Workspace,
    form: InviteForm,
    *,
    refusal: str = "",
) -> HttpResponse:
    now = clock.now()
    active = [key for key in api_keys_of(workspace.tenant.id) if key.status(now) == "active"]
    members = members_of(workspace.tenant.id)
    if workspace.user.id not in {membership.user_id for membership in members}:
        raise Http404  # removed since this request began
    keys_made = {
        membership.user_id: [key for key in active if key.created_by_id == membership.user_id]
        for membership in members
    }
    under = roles_under(workspace.role)
    owners = [membership for membership in members if membership.role == OWNER]
    alone = owners[0] if len(owners) == 1 else None
    context = {
        "changes": waiting_member_changes(now, tenant_id=workspace.tenant.id),
        "decisions": DECISIONS,
        "form": dressed(form),
        "refusal": refusal,
        "members": [
            (
                membership,
                keys_made[membership.user_id],
                membership.role in under and membership != alone,
            )
            for membership in members
        ],
        "alone": alone,
        "without_factor": sum(
            not membership.has_second_factor  # type: ignore[attr-defined]  # annotated by members_of
            for membership in members
        ),
        "invitations": invitations_of(workspace.tenant.id, now=now),
        "roles": [role for role in Membership.Role.choices if role[0] in under],
        "role_words": [(label, ROLE_WORDS[role]) for role, label in Membership.Role.choices],
    }
    is_refused = form.is_bound or refusal
    return rendered(request, workspace, "workspace/members.html", context, refused=is_refused)


def _run_action(
    request: HttpRequest, workspace: Workspace, act: Callable[..., object], words: str
) -> HttpResponse:
    """Run the action as the member and report success, or show why it was refused."""
    try:
        act(by=workspace.member, ip=request.META.get("REMOTE_ADDR"))
    except ValidationError as error:
        return _refuse(request, workspace, error)
    return done(request, workspace, words, "members")


def _refuse(request: HttpRequest, workspace: Workspace, error: ValidationError) -> HttpResponse:
    return _page(request, workspace, InviteForm(), refusal=" ".join(error.messages))


def _member(workspace: Workspace, person: str) -> Membership:
    members = members_of(workspace.tenant.id)
    return or_404(next((one for one in members if str(one.user_id) == person), None))


def _has_active_keys(workspace: Workspace, membership: Membership) -> bool:
    now = clock.now()
    keys = api_keys_of(workspace.tenant.id)
    return any(
        key.created_by_id == membership.user_id and key.status(now) == "active" for key in keys
    )


def _invitation(workspace: Workspace, invitation: str) -> Invitation:
    wanted = or_404(ids.parse_uuid(invitation))
    offered = invitations_of(workspace.tenant.id, now=clock.now())
    return or_404(next((one for one in offered if one.id == wanted), None))
