"""Tables of accounts for the statements of other apps, as SQL."""

API_KEYS = "(SELECT id, tenant_id, digest, is_test FROM accounts_apikey)"
"""SQL: every API key with its tenant, even if revoked, for other apps' statements to join."""

AUDIT_EVENTS = "(SELECT tenant_id, action, object_type, object_id, after FROM accounts_auditevent)"
"""SQL: the audit log, for a proof that compares its own rows with it."""

IMAGE_RETENTIONS = (
    "(SELECT id AS tenant_id, image_retention_days AS days FROM accounts_tenant"
    " WHERE image_retention_days IS NOT NULL)"
)
"""SQL: tenants that keep images for less time than the default, and for how many days."""

SUSPENDED_BECAUSE = (
    "(SELECT after ->> 'reason' FROM accounts_auditevent"
    " WHERE tenant_id = {tenant} AND action = 'tenant.status' ORDER BY at DESC, id DESC LIMIT 1)"
)
"""SQL: the reason of a tenant's last suspension; NULL if none was given."""
