"""What a request reads of accounts; `office/` reads tenants, keys, people and the audit log.

The names in capitals are SQL for other apps' statements.
"""

from accounts.selectors.configuration import (
    REVISION,
    config_revision,
)
from accounts.selectors.relations import (
    API_KEYS,
    AUDIT_EVENTS,
    IMAGE_RETENTIONS,
    SUSPENDED_BECAUSE,
)
