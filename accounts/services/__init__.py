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
    as_staff,
    at_the_shell,
    by_key,
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
from accounts.services.erasure import (
    check_deletion,
    delete_workspace,
    end_tenant,
    erase_due,
    erase_tenant,
)
from accounts.services.founding import Founded, Owner, Start, found_tenant
from accounts.services.invitations import INVITATION_SALT, post_invitation
from accounts.services.mail import MAX_MAIL_ATTEMPTS, post, post_rendered, take_back, unsent_seconds
from accounts.services.member_changes import (
    ask_member_change,
    decide_member_change,
    make_due_member_changes,
)
from accounts.services.members import (
    accept_invitation,
    add_member,
    cancel_invitation,
    cancel_invitation_as_operator,
    change_role,
    change_role_as_operator,
    dismiss_member,
    dismiss_member_as_operator,
    invite,
    invite_as_operator,
    remove_member,
    require_second_factor,
    roles_under,
)
from accounts.services.operator_keys import (
    ANSWERED_FOR,
    MAX_DAYS,
    SHOWN_FOR,
    KeyTerms,
    begin_call,
    call_of,
    end_call,
    issue_operator_key,
    let_in_by_key,
    note_shown,
    operator_key_by_id,
    operator_keys,
    revoke_operator_key,
    rotate_operator_key,
)
from accounts.services.own_limits import OwnLimits, set_own_limits
from accounts.services.people import (
    change_person,
    create_user,
    delete_user,
    end_sessions,
    seed_operator,
    set_password,
    sign_out,
)
from accounts.services.personal_data import (
    export_tenant,
    set_image_retention,
    set_prompt_retention,
    write_export,
)
from accounts.services.second_factors import reset_second_factors
from accounts.services.staff import Appointed, note_seen, remove_staff, set_staff_role
from accounts.services.storage import is_nearly_full, note_stored, stored_together
from accounts.services.support import SUPPORT_REASON_CHARS, end_support, open_support, set_support
from accounts.services.suspending import resume, suspend
from accounts.services.tenant_settings import change_settings, change_standing
from accounts.services.tenants import (
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
