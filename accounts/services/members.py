"""People in tenants, and the roles they have there."""

from django.db import transaction

from accounts.models import Actor, Membership, Tenant, User
from accounts.services.audit import record


@transaction.atomic
def add_member(
    *, tenant: Tenant, user: User, role: Membership.Role, actor: Actor, ip: str | None = None
) -> Membership:
    """Make a person a member, or give a member another role."""
    before = Membership.objects.filter(tenant=tenant, user=user).values("role").first()
    membership, _ = Membership.objects.update_or_create(
        tenant=tenant, user=user, defaults={"role": role}
    )
    record(
        actor=actor,
        action="member.set",
        object_type="user",
        object_id=str(user.id),
        tenant_id=tenant.id,
        before=before,
        after={"role": role.value},
        ip=ip,
    )
    return membership


@transaction.atomic
def remove_member(*, membership: Membership, actor: Actor, ip: str | None = None) -> None:
    """End a membership; the person and what they did stay."""
    record(
        actor=actor,
        action="member.remove",
        object_type="user",
        object_id=str(membership.user_id),
        tenant_id=membership.tenant_id,
        before={"role": membership.role},
        ip=ip,
    )
    membership.delete()
