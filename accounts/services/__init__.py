"""Changes to people, tenants, members and keys, each in one transaction with its audit event.

An actor is a signed-in User, or the name of a program (`"manage.py"`).
"""

from accounts.models import Actor, Subject
from accounts.services.api_keys import (
    OVERLAPS,
    KeyRules,
    change_api_key,
    issue_api_key,
    note_former_use,
    revoke_api_key,
    rotate_api_key,
    rules_of,
)
from accounts.services.audit import (
    By,
    link_events,
    link_older_events,
    name_of,
    note_for_staff,
    record,
)
from accounts.services.delegation import (
    change_key_for,
    change_own_key,
    issue_key_for,
    issue_own_key,
    revoke_key_for,
    rotate_key_for,
    scopes_of,
)
from accounts.services.erasure import check_deletion, delete_workspace, erase_due, erase_tenant
from accounts.services.mail import post, post_rendered, unsent_seconds
from accounts.services.members import (
    accept_invitation,
    add_member,
    cancel_invitation,
    change_role,
    dismiss_member,
    invite,
    remove_member,
    require_second_factor,
    roles_under,
)
from accounts.services.own_limits import OwnLimits, set_own_limits
from accounts.services.people import (
    change_person,
    create_user,
    delete_user,
    end_sessions,
    seed_operator,
)
from accounts.services.personal_data import (
    export_tenant,
    set_image_retention,
    set_prompt_retention,
    write_export,
)
from accounts.services.storage import is_nearly_full, note_stored, stored_together
from accounts.services.support import end_support, open_support, set_support
from accounts.services.suspending import resume, suspend
from accounts.services.tenant_settings import change_settings, change_standing
from accounts.services.tenants import (
    NO_LIMITS,
    TenantLimits,
    backdate_tenant,
    change_tenant,
    create_tenant,
    refuse_ended,
    set_tenant_status,
    set_time_zone,
    set_title,
)
from accounts.services.uncharged import refuse_above_ceiling, set_uncharged_ceiling
from accounts.services.welcome import SIGN_UP_KEY, accept_terms, open_workspace, verify_email

__all__ = [
    "NO_LIMITS",
    "OVERLAPS",
    "SIGN_UP_KEY",
    "Actor",
    "By",
    "KeyRules",
    "OwnLimits",
    "Subject",
    "TenantLimits",
    "accept_invitation",
    "accept_terms",
    "add_member",
    "backdate_tenant",
    "cancel_invitation",
    "change_api_key",
    "change_key_for",
    "change_own_key",
    "change_person",
    "change_role",
    "change_settings",
    "change_standing",
    "change_tenant",
    "check_deletion",
    "create_tenant",
    "create_user",
    "delete_user",
    "delete_workspace",
    "dismiss_member",
    "end_sessions",
    "end_support",
    "erase_due",
    "erase_tenant",
    "export_tenant",
    "invite",
    "is_nearly_full",
    "issue_api_key",
    "issue_key_for",
    "issue_own_key",
    "link_events",
    "link_older_events",
    "name_of",
    "note_for_staff",
    "note_former_use",
    "note_stored",
    "open_support",
    "open_workspace",
    "post",
    "post_rendered",
    "record",
    "refuse_above_ceiling",
    "refuse_ended",
    "remove_member",
    "require_second_factor",
    "resume",
    "revoke_api_key",
    "revoke_key_for",
    "roles_under",
    "rotate_api_key",
    "rotate_key_for",
    "rules_of",
    "scopes_of",
    "seed_operator",
    "set_image_retention",
    "set_own_limits",
    "set_prompt_retention",
    "set_support",
    "set_tenant_status",
    "set_time_zone",
    "set_title",
    "set_uncharged_ceiling",
    "stored_together",
    "suspend",
    "unsent_seconds",
    "verify_email",
    "write_export",
]
