"""Users, tenants, members, keys and the audit log in Django's admin. Every change is audited."""

from accounts.admin.api_keys import ApiKeyAdmin
from accounts.admin.audit_log import AuditEventAdmin
from accounts.admin.base import AuditedAdmin, ReadOnlyAdmin, actor_of, by
from accounts.admin.people import UserAdmin
from accounts.admin.tenants import TenantAdmin

__all__ = [
    "ApiKeyAdmin",
    "AuditEventAdmin",
    "AuditedAdmin",
    "ReadOnlyAdmin",
    "TenantAdmin",
    "UserAdmin",
    "actor_of",
    "by",
]
