"""Staff who are members of customers' tenants, and so may see and change them unasked."""

from collections.abc import Iterator

from accounts.selectors.office.people import staff_with_customers
from generation.oversight.conditions.detected import Outlook, PresentCondition


def among_customers(_outlook: Outlook) -> Iterator[PresentCondition]:
    """Memberships of staff in tenants that are not marked as the operator's own."""
    for member in staff_with_customers():
        name = f"{member.user.email} in {member.tenant.public_id}"
        words = f"{member.user.email}, who is staff, is {member.role} of {member.tenant.name}"
        yield PresentCondition(name, None, words)
