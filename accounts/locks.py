"""The row locks to take first when counting or deciding for a whole tenant or person."""

from uuid import UUID

from accounts.models import Tenant, User


def tenant_for_update(tenant_id: UUID) -> Tenant:
    """The tenant, locked to the transaction's end. Raises Tenant.DoesNotExist.

    Requests do not wait for it: they refer to the row, and change none of its key.
    """
    return Tenant.objects.select_for_update(no_key=True).get(id=tenant_id)


def user_for_update(user_id: UUID) -> User:
    """The person, locked to the transaction's end. Raises User.DoesNotExist."""
    return User.objects.select_for_update(no_key=True).get(id=user_id)
