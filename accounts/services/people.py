"""People who sign in."""

from datetime import datetime

from django.db import transaction

from accounts.models import Actor, Membership, Tenant, User
from accounts.selectors import members_of
from accounts.services.audit import record
from accounts.services.members import add_member


@transaction.atomic
def seed_operator(
    *, email: str, password: str, tenant: Tenant, actor: Actor, now: datetime
) -> User:
    """Staff, superuser, e-mail verified, owner of the tenant, with this password; known or new.

    Safe to call again. Raises ValidationError for what is no e-mail address.
    """
    known = User.objects.filter(email=email.lower()).first()
    user = known or User(email=email.lower())
    user.is_active = user.is_staff = user.is_superuser = True
    user.email_verified_at = user.email_verified_at or now
    if known is None or not user.check_password(password):
        user.set_password(password)
    user.full_clean()
    user.save()
    record(
        actor=actor,
        action="user.seed",
        object_type="user",
        object_id=str(user.pk),
        tenant_id=tenant.id,
        after={"email": user.email, "is_new": known is None},
    )
    roles = {member.user_id: member.role for member in members_of(tenant.id)}
    if roles.get(user.id) != Membership.Role.OWNER:
        add_member(tenant=tenant, user=user, role=Membership.Role.OWNER, actor=actor)
    return user
