"""What a request reads of accounts; `office/` reads tenants, keys, people and the audit log.

The names in capitals are SQL for other apps' statements.
"""

from accounts.selectors.relations import (
    API_KEYS,
    AUDIT_EVENTS,
    IMAGE_RETENTIONS,
    REVISION,
    SUSPENDED_BECAUSE,
    UNMARKED_TENANTS,
    config_revision,
)
