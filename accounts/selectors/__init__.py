"""Reads of tenants, their keys and members, of people and of the audit log.

The names in capitals are SQL for other apps' statements.
"""

from accounts.selectors.api_keys import (
    api_key_by_id,
    api_keys_among,
    api_keys_of,
    counted_keys_of,
    did_staff_see,
    key_made_at,
    keys_by_id,
    keys_staff_saw,
)
from accounts.selectors.audit import (
    events_of,
    installation_events_about,
    notes_about,
    suspended_because,
)
from accounts.selectors.configuration import (
    REVISION,
    config_revision,
)
from accounts.selectors.members import (
    HAS_MEMBER_CHANGES,
    emails_of_members,
    emails_of_owners,
    has_active_owner,
    invitation_by_id,
    invitations_of,
    members_of,
    membership_in,
    memberships_of,
    open_invitations,
    waiting_member_changes,
)
from accounts.selectors.people import (
    ROLES_WITH_MONEY,
    addresses_of_staff,
    customers_of,
    emails_of,
    has_second_factor,
    is_address_of_staff,
    is_invited_as_staff,
    latest_mail,
    mails_among,
    operator_of,
    others_move_money,
    staff,
    staff_with_customers,
    user_by_email,
    waiting_mail,
    was_staff_at,
)
from accounts.selectors.relations import (
    API_KEYS,
    AUDIT_EVENTS,
    IMAGE_RETENTIONS,
    SUSPENDED_BECAUSE,
)
from accounts.selectors.support import (
    latest_support_grants,
    open_support_grants,
    support_grant,
    support_grant_by_id,
    support_grants_of,
)
from accounts.selectors.tenants import (
    has_tenant,
    has_tenants,
    number_of_tenants,
    prompt_retentions,
    tenant_as_shown,
    tenant_by_id,
    tenant_by_name_or_id,
    tenant_by_public_id,
    tenants,
    tenants_among,
    tenants_called,
    tenants_like,
    tenants_with,
)
