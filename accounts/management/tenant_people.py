"""A tenant's people at the shell: `tenant members` and `invite`.

Each function takes the command and its options. The command reports their ValidationErrors.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.core.management.base import CommandError

from accounts.management.operator import ACTOR, OperatorCommand, read_staff, read_tenant
from accounts.models import Invitation, Membership
from accounts.selectors.office.members import invitations_of, members_of
from accounts.services.office.invitations import post_invitation
from accounts.services.office.members import invite_as_operator
from pictor.kit.words import clock

COLUMNS = ("email", "role", "is")


def teller(site: str) -> Callable[[Invitation], None]:
    """A function that mails an invitation with a link to this site."""
    if not site.startswith(("https://", "http://")):
        raise CommandError("an invitation needs --site https://…, for the link in the mail")
    return partial(post_invitation, site=site)


def show(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    tenant = read_tenant(options["tenant"])
    rows = [(member.user.email, member.role, "member") for member in members_of(tenant.id)]
    invited = invitations_of(tenant.id, now=clock.now())
    rows += [(invitation.email, invitation.role, "invited") for invitation in invited]
    facts = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    command.tell_rows(options, facts, COLUMNS)


def invite(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    tenant, email = read_tenant(options["tenant"]), options["email"]
    from accounts import rates  # noqa: PLC0415 - other commands need no Redis

    rates.take_typed_mail(email)
    invite_as_operator(
        tenant=tenant,
        email=email,
        role=Membership.Role(options["role"]),
        inviter=read_staff(),
        actor=ACTOR,
        now=clock.now(),
        tell=teller(options["site"]),
    )
    facts = {"tenant": tenant.public_id, "invited": email, "role": options["role"]}
    command.tell(options, facts, f"{tenant.name}: {email} invited as {options['role']}")
