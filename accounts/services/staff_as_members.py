"""Staff as members of customers' tenants: by their own sign-up or its people, never by staff."""

from django.core.exceptions import ValidationError

from accounts.audit_words import AT_THE_SHELL
from accounts.models import Actor, AuditEvent, Invitation, Tenant, User
from accounts.selectors import is_address_of_staff

INVITE = "member.invite"


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
