"""The end of a person's account: what names them goes, their id and audit events stay."""

from datetime import datetime
from typing import Unpack

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.locks import user_for_update
from accounts.models import Invitation, Mail, MemberChange, Membership, Tenant, User
from accounts.selectors.office.members import memberships_of
from accounts.services.audit import By, record
from accounts.services.office.members import leave
from accounts.services.office.people import end_sessions


def owned_alone(user: User) -> list[Tenant]:
    """The workspaces whose only owner the person is, by name."""
    owner = Membership.Role.OWNER
    mine = [one.tenant for one in memberships_of(user.pk) if one.role == owner]
    others = Membership.objects.filter(tenant__in=mine, role=owner).exclude(user=user)
    shared = set(others.values_list("tenant_id", flat=True))
    return [tenant for tenant in mine if tenant.id not in shared]


@transaction.atomic
def delete_account(*, user: User, confirmation: str, now: datetime, **by: Unpack[By]) -> None:
    """Delete a person's name, address, password, factors, sessions and memberships for good.

    The keys they made go to an owner of each workspace. The row stays under its id, as the audit
    log names it, and so do their events. Raises ValidationError, with a message for the person.
    """
    user = user_for_update(user.pk)
    if user.staff_role:
        raise ValidationError("You are staff: an owner of staff removes you first.")
    if alone := owned_alone(user):
        names = ", ".join(tenant.shown_name for tenant in alone)
        raise ValidationError(f"You are the only owner of {names}. Nothing was deleted.")
    if User.normalize_username(confirmation) != user.email:
        raise ValidationError("Type your address exactly as it is. Nothing was deleted.")
    for membership in memberships_of(user.pk):
        leave(membership=membership, now=now, **by)
    end_sessions(user=user, **by)
    record(user.audited, "user.erase", **by)
    Authenticator.objects.filter(user=user).delete()
    EmailAddress.objects.filter(user=user).delete()
    for kind in (Invitation, MemberChange):
        kind.objects.filter(email=user.email).delete()
    Mail.objects.filter(to=user.email).delete()
    user.email, user.name, user.terms_version = f"{user.pk}@deleted.invalid", "", ""
    user.is_active, user.email_verified_at, user.last_login = False, None, None
    user.set_unusable_password()
    user.save()
