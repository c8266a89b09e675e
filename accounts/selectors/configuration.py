"""The revision of the configuration: read, in SQL, and as a column."""

from django.db.models import Subquery
from django.db.models.functions import Coalesce

from accounts.models import ConfigRevision

REVISION = "(SELECT revision FROM accounts_configrevision)"
"""SQL: the configuration's present revision, to be read within another statement."""

PRESENT_REVISION = Coalesce(Subquery(ConfigRevision.objects.values("revision")[:1]), 0)
"""The same as a column of a query."""


def config_revision() -> int:
    """The present revision of the configuration. Compare with `!=`, never with `<`."""
    return ConfigRevision.objects.values_list("revision", flat=True).first() or 0
