"""Acts on a tenant's people, keys and data."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import urljoin

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import reverse
from typing_extensions import override

from accounts import rates
from accounts.models import ApiKey, Membership, Tenant, User
from accounts.selectors.office.api_keys import api_key_by_id
from accounts.selectors.office.members import invitations_of, members_of
from accounts.services.office.api_keys import revoke_api_key
from accounts.services.office.erasure import end_tenant
from accounts.services.office.member_changes import ask_member_change
from accounts.services.office.members import cancel_invitation_as_operator
from billing.selectors.office.balances import available_to
from console.amounts import amount
from console.ops.access import Permission
from console.ops.tenants.acts import TENANT, tenant_act
from console.parts.acts import About, Act, ActForm, ActResult, Asked, Change, Preview, typed_name
from storage.exports import ask_for_export

REVOKE = "revoke"
OWNERS_SAY = (
    " If the tenant has an active owner, it waits for a second person and 24 hours, or until an"
    " owner agrees in its console. If you are alone here, an owner has to agree."
)
KEY = About[ApiKey](
    kind="key",
    find=api_key_by_id,
    words=lambda key: key.name or "Unnamed key",
    page=lambda key: f"{TENANT.page(key.tenant)}#keys",
)


class PersonForm(ActForm):
    email = forms.EmailField(label="E-mail address")


class RoleForm(PersonForm):
    role = forms.ChoiceField(choices=Membership.Role.choices, label="Role")


class RemovalForm(PersonForm):
    """Who is removed, and what happens to the keys they made, if they made some."""

    keys = forms.ChoiceField(label="The keys they made")

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        email = str(self["email"].value() or "")
        members = members_of(self.asked.subject.id)
        numbers = [one.keys_made for one in members if one.user.email == email]  # type: ignore[attr-defined]  # annotated
        if not any(numbers):
            del self.fields["keys"]
            return
        self.fields["keys"].label = f"The {numbers[0]} key{'s' * (numbers[0] > 1)} they made"
        heirs = [one.user.email for one in members if one.user.email != email]
        cast(forms.ChoiceField, self.fields["keys"]).choices = [
            ("", "Choose"),
            *((heir, f"Hand over to {heir}") for heir in heirs),
            (REVOKE, "Revoke at once"),
        ]


def _member(asked: Asked[Tenant], email: str) -> Membership:
    for member in members_of(asked.subject.id):
        if member.user.email == User.normalize_username(email):
            return member
    raise ValidationError(f"{email} is no member of {asked.subject.name}.")


def _of_member(asked: Asked[Tenant], query: QueryDict) -> Mapping[str, str]:
    email = query.get("email", "")
    return {"email": email, "role": _member(asked, email).role} if email else {}


def _change(asked: Asked[Tenant], words: str, **change: Any) -> ActResult:
    """Change the tenant's people, or ask for it where an owner has a say; `words` if it is done."""
    waiting = ask_member_change(
        tenant=asked.subject, now=asked.now, site=asked.site, **change, **asked.by
    )
    if waiting:
        words = f"{waiting}: waits for a second person and 24 hours, or for an owner"
    return ActResult(words=words, facts={"tenant": asked.subject.public_id})


def _invite(asked: Asked[Tenant]) -> ActResult:
    if asked.is_at_the_shell:
        raise ValidationError("An invitation needs the address of this site: use tenant invite.")
    email = asked.data["email"]
    rates.take_typed_mail(email)
    return _change(asked, f"{email} invited", before="", **asked.data)


def _uninvite(asked: Asked[Tenant]) -> ActResult:
    email = User.normalize_username(asked.data["email"])
    words = f"{email} is no longer invited"
    for one in invitations_of(asked.subject.id, now=asked.now):
        if one.email == email and one.is_of_staff:
            cancel_invitation_as_operator(invitation=one, **asked.by)
            return ActResult(words=words)
    return _change(asked, words, email=email, before="", role="")


def _set_role(asked: Asked[Tenant]) -> ActResult:
    member, role = _member(asked, asked.data["email"]), Membership.Role(asked.data["role"])
    email = member.user.email
    words = f"{email}: {member.get_role_display()} → {role.label}"
    return _change(asked, words, email=email, before=member.role, role=role)


def _removal(asked: Asked[Tenant]) -> Preview | None:
    if not asked.data.get("email"):
        return None
    member = _member(asked, asked.data["email"])
    return Preview(
        changes=[Change(member.user.email, member.get_role_display(), "no member")],
        notes=["They lose access to this workspace. They can be invited again."],
    )


def _remove(asked: Asked[Tenant]) -> ActResult:
    """End a membership; the keys that the member made go to another member or are revoked."""
    member, keys = _member(asked, asked.data["email"]), asked.data.get("keys", REVOKE)
    heir = None if keys == REVOKE else _member(asked, keys).user
    email = member.user.email
    return _change(asked, f"{email} removed", email=email, before=member.role, role="", heir=heir)


def _revoke(asked: Asked[ApiKey]) -> ActResult:
    revoke_api_key(key=asked.subject, now=asked.now, **asked.by)
    return ActResult(words=f"{asked.subject.name or 'Key'} revoked")


def _export(asked: Asked[Tenant]) -> ActResult:
    """Request an export, which the tenant's owners and admins download in their settings."""
    actor = asked.by["actor"]
    if not isinstance(actor, User):
        raise ValidationError("At the shell an export is a file: use tenant export.")
    settings_page = reverse("workspace:settings", args=[asked.subject.public_id])
    ask_for_export(
        tenant=asked.subject,
        user=actor,
        page_url=urljoin(asked.site, settings_page),
        now=asked.now,
        ip=asked.by["ip"],
    )
    return ActResult(
        words="The export is being made: owners and admins get a mail when it is ready"
    )


def _erasure(asked: Asked[Tenant]) -> Preview:
    tenant = asked.subject
    left = available_to(tenant.id)
    return Preview(
        warnings=[f"Its balance of {amount(left)} is lost."] if left else [],
        confirmation=typed_name(tenant.name),
    )


def _erase(asked: Asked[Tenant]) -> ActResult:
    tenant = asked.subject
    end_tenant(tenant=tenant, confirmation=tenant.name, now=asked.now, **asked.by)
    return ActResult(words=f"{tenant.name} is being erased")


ACTS: Sequence[Act[Any]] = (
    tenant_act(
        name="tenant.invite",
        verb="Invite",
        lead="A mail invites somebody to {}; a repeated one has a new link." + OWNERS_SAY,
        audit="member.invite",
        form=RoleForm,
        initial=lambda _asked, _query: {"role": Membership.Role.DEVELOPER},
        do=_invite,
    ),
    tenant_act(
        name="tenant.uninvite",
        verb="Cancel invitation",
        lead="The link in the mail no longer works. One by staff needs nobody's agreement."
        + OWNERS_SAY,
        audit="member.uninvite",
        form=PersonForm,
        initial=lambda _asked, query: {"email": query.get("email", "")},
        do=_uninvite,
    ),
    tenant_act(
        name="tenant.role",
        verb="Change role",
        lead="A member of {} gets another role." + OWNERS_SAY,
        audit="member.set",
        form=RoleForm,
        initial=_of_member,
        do=_set_role,
    ),
    tenant_act(
        name="tenant.remove",
        verb="Remove member",
        lead="Somebody is no member of {} any more." + OWNERS_SAY,
        audit="member.remove",
        form=RemovalForm,
        initial=_of_member,
        preview=_removal,
        do=_remove,
        is_dangerous=True,
    ),
    Act(
        name="key.revoke",
        verb="Revoke key",
        lead="Active → revoked. Programs with {} stop at once. This cannot be undone.",
        audit="api_key.revoke",
        about=KEY,
        needs=Permission.TENANTS,
        do=_revoke,
        is_dangerous=True,
    ),
    tenant_act(
        name="tenant.export",
        verb="Export everything",
        lead="Everything that is kept for {}, in one zip file. Its owners and admins get a mail and"
        " download it from their settings.",
        audit="tenant.export_ask",
        do=_export,
    ),
    tenant_act(
        name="tenant.erase",
        verb="Erase tenant",
        lead="Prompts, images, members and names are deleted; the ledger and the audit log stay"
        " under its id. This cannot be undone.",
        audit="tenant.delete",
        needs=Permission.ERASE,
        preview=_erasure,
        do=_erase,
        never_by_key="only people erase",
        is_dangerous=True,
    ),
)
