"""Users, tenants, their API keys, and the record of who changed what. Ids are UUIDv7."""

from accounts.models.operators import OperatorCall, OperatorKey
from accounts.models.people import Actor, Mail, OpenSession, Subject, SubjectOf, User, UserManager
from accounts.models.records import (
    AuditEvent,
    AuditLink,
    ConfigRevision,
    SignUpCredit,
    SupportGrant,
)
from accounts.models.tenants import (
    ADMIN_ROLES,
    BILLING_CONTACT_ROLES,
    MANAGES_KEYS,
    MAX_KEY_LIST_ENTRIES,
    SCOPES,
    ApiKey,
    Invitation,
    MemberChange,
    Membership,
    Tenant,
    default_scopes,
)
