"""Row locks of the ledger, always in this order: tenant account, then key budget, then rollup.

The functions of `services/holds.sql` lock the first two in that order, and `services/usage.py` the
third by its upsert. Nothing else a request does in this app locks a row.
"""

from uuid import UUID

from billing.models import TenantBalance


def account_for_update(tenant_id: UUID) -> TenantBalance:
    """The tenant's balance, locked to the transaction's end. Raises TenantBalance.DoesNotExist."""
    return TenantBalance.objects.select_for_update().get(tenant_id=tenant_id)
