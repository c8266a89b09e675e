"""The audit log, and refusals; `office/` changes people, tenants, members and keys.

Each change is one transaction with its audit event. An actor is a signed-in User, or the name of a
program (`"manage.py"`).
"""

from accounts.models import Actor, Subject
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
from accounts.services.uncharged import refuse_above_ceiling
