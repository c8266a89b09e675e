"""Staff among customers' members, who may see and change them unasked; ends of their keys."""

from collections.abc import Iterator
from datetime import timedelta

from accounts.selectors.office.people import staff_with_customers
from accounts.services.office.operator_keys import operator_keys
from generation.oversight.conditions.detected import Outlook, PresentCondition

WARNED_BEFORE = timedelta(days=14)


def among_customers(_outlook: Outlook) -> Iterator[PresentCondition]:
    """Memberships of staff in tenants that are not marked as the operator's own."""
    for member in staff_with_customers():
        name = f"{member.user.email} in {member.tenant.public_id}"
        words = f"{member.user.email}, who is staff, is {member.role} of {member.tenant.name}"
        yield PresentCondition(name, None, words)


def keys_ending(outlook: Outlook) -> Iterator[PresentCondition]:
    """Keys of programs that end soon."""
    for key in operator_keys(outlook.now):
        if key.expires_at < outlook.now + WARNED_BEFORE:
            words = f"{key.name}, a program's key by {key.made_by.email}, ends"
            yield PresentCondition(str(key.id), None, f"{words} {key.expires_at:%-d %b %Y}")
