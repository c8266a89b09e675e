"""Staff as members of customers' tenants: by their own sign-up or its people, never by staff."""

from django.core.exceptions import ValidationError

from accounts.audit_words import AT_THE_SHELL
from accounts.models import Actor, AuditEvent, Invitation, Tenant, User
from accounts.models.records import BY_STAFF
from accounts.selectors.office.api_keys import keys_staff_saw
from accounts.selectors.office.members import INVITE, emails_of_owners
from accounts.selectors.office.people import is_address_of_staff
from accounts.services.audit import record
from accounts.services.office.owner_mail import mail_owners, one_act

FIRST_OWNER = "first owner"
"""The actor of events that a tenant's first active owner causes."""


def refuse_staff(tenant: Tenant, email: str, actor: Actor) -> None:
    """Raise ValidationError if staff give staff a role in a customer's tenant, but at the shell."""
    at_the_shell = not isinstance(actor, User) and actor.startswith(AT_THE_SHELL)
    if not (at_the_shell or tenant.is_ours) and is_address_of_staff(email):
        raise ValidationError(
            f"{email} is an address of staff: only its own people can make staff members of"
            f" {tenant.shown_name}, unless it is marked as the operator's own (tenant set --ours)."
        )


def inviter_of(invitation: Invitation) -> Actor:
    """Who sent staff's invitation: a person, or a command on their behalf."""
    sent = AuditEvent.objects.filter(tenant_id=invitation.tenant_id, action=INVITE)
    by_command = sent.filter(object_id=invitation.audited.id, actor=None).first()
    return by_command.actor_name if by_command else invitation.invited_by


def tell_first_owner(tenant: Tenant) -> None:
    """Mail whom staff let in while there was no owner to mail, and which keys' secrets they saw."""
    if tenant.is_ours:
        return
    by_staff = AuditEvent.objects.filter(tenant=tenant, actor_name__endswith=BY_STAFF)
    invited = by_staff.filter(action=INVITE).exclude(after__email__in=emails_of_owners([tenant.id]))
    with one_act(tenant.id):
        for event in invited.order_by("id"):
            mail_owners(event)
        for key in keys_staff_saw(tenant).filter(revoked_at=None).order_by("id"):
            after = {"name": key.name}
            record(key.audited, "api_key.seen", actor=FIRST_OWNER, after=after, is_of_staff=True)
