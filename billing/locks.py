"""Row locks of the ledger, always in this order: tenant account, then key budget, then rollup.

`services/holds.py` locks the first two in the same order by its conditional UPDATEs, and
`services/usage.py` the third by its upsert. Nothing else a request does in this app locks a row.
"""

from uuid import UUID

from billing.models import KeyBudget, TenantBalance


def account_for_update(tenant_id: UUID) -> TenantBalance:
    """The tenant's balance, locked to the transaction's end. Raises TenantBalance.DoesNotExist."""
    return TenantBalance.objects.select_for_update().get(tenant_id=tenant_id)


def key_budget_for_update(key_id: UUID) -> KeyBudget | None:
    """A key's counters, locked; None where it was never used. The account's lock comes first."""
    return KeyBudget.objects.select_for_update().filter(key_id=key_id).first()
