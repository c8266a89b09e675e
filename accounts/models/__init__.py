"""Users, tenants, their API keys, and the record of who changed what. Ids are UUIDv7."""

from accounts.models.people import Actor, Mail, Subject, User, UserManager
from accounts.models.records import (
    AuditEvent,
    AuditLink,
    ConfigRevision,
    SignUpCredit,
    SupportGrant,
)
from accounts.models.tenants import (
    MANAGES_KEYS,
    MAX_WORDS,
    SCOPES,
    ApiKey,
    Invitation,
    Membership,
    Tenant,
    default_scopes,
)
