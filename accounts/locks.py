"""The row locks to take before counting or deciding for a whole tenant or person."""

from uuid import UUID

from accounts.models import Tenant, User


def tenant_for_update(tenant_id: UUID) -> Tenant:
    """Return the tenant, locked until the transaction ends. Raises Tenant.DoesNotExist.

    Requests do not wait for this lock: they refer to the row without changing its key.
    """
    return Tenant.objects.select_for_update(no_key=True).get(id=tenant_id)


def user_for_update(user_id: UUID) -> User:
    """Return the person, locked until the transaction ends. Raises User.DoesNotExist."""
    return User.objects.select_for_update(no_key=True).get(id=user_id)
