"""Tables of accounts and the revision of the configuration, for the statements of other apps."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Subquery
from django.db.models.functions import Coalesce

from accounts.models import ConfigRevision, Tenant

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

REVISION = "(SELECT revision FROM accounts_configrevision)"
"""SQL: the configuration's present revision, to be read within another statement."""

PRESENT_REVISION = Coalesce(Subquery(ConfigRevision.objects.values("revision")[:1]), 0)
"""The same as a column of a query."""

UNMARKED_TENANTS = ArraySubquery(
    Tenant.objects.filter(may_omit_marks=True, omits_marks=True).values("id")
)
"""A column: the ids of tenants that chose to have images without marks, and may."""


def config_revision() -> int:
    """The present revision of the configuration. Compare with `!=`, never with `<`."""
    return ConfigRevision.objects.values_list("revision", flat=True).first() or 0
