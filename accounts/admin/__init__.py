"""Read-only pages of people, tenants, members, keys and the audit log in Django's admin.

Groups have no page.
"""

from accounts.admin.api_keys import ApiKeyAdmin
from accounts.admin.audit_log import AuditEventAdmin
from accounts.admin.base import ReadOnlyAdmin, ServiceAdmin, by
from accounts.admin.confirmation import Groups, confirmation_page
from accounts.admin.large_tables import (
    MAX_SCANNED_ROWS,
    NEWEST,
    LargeAdmin,
    MadeFilter,
    words_filter,
)
from accounts.admin.money import DollarForms, dollars
from accounts.admin.people import UserAdmin
from accounts.admin.tenants import TenantAdmin
