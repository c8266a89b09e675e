"""A tenant's people at the shell: `tenant members`, `invite`, `uninvite`, `role` and `remove`.

Each function takes the command and its options. The command reports their ValidationErrors.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.core.management.base import CommandError

from accounts.management.operator import (
    ACTOR,
    OperatorCommand,
    print_table,
    read_person,
    read_staff,
    read_tenant,
)
from accounts.models import Invitation, Membership, Tenant, User
from accounts.selectors import invitations_of, members_of
from accounts.services.invitations import post_invitation
from accounts.services.members import (
    cancel_invitation_as_operator,
    change_role_as_operator,
    dismiss_member_as_operator,
    invite_as_operator,
)
from pictor.kit.words import clock

REVOKE = "revoke"


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
    if options["json"]:
        facts = [{"email": email, "role": role, "is": what} for email, role, what in rows]
        command.stdout.write(json.dumps(facts))
    else:
        print_table(command.stdout, [("email", "role", "is"), *rows])


def invite(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    tenant, email = read_tenant(options["tenant"]), options["email"]
    from accounts import rates  # noqa: PLC0415 - other commands need no Redis

    rates.take_typed_mail(email)
    invite_as_operator(
        tenant=tenant,
        email=email,
        role=Membership.Role(options["role"]),
        by=read_staff(),
        actor=ACTOR,
        now=clock.now(),
        tell=teller(options["site"]),
    )
    facts = {"tenant": tenant.public_id, "invited": email, "role": options["role"]}
    command.tell(options, facts, f"{tenant.name}: {email} invited as {options['role']}")


def uninvite(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    tenant, email = read_tenant(options["tenant"]), User.normalize_username(options["email"])
    invited = {
        invitation.email: invitation for invitation in invitations_of(tenant.id, now=clock.now())
    }
    if email not in invited:
        raise CommandError(f"{email} is not invited to {tenant.name}")
    cancel_invitation_as_operator(invitation=invited[email], actor=ACTOR)
    facts = {"tenant": tenant.public_id, "uninvited": email}
    command.tell(options, facts, f"{tenant.name}: {email} is no longer invited")


def give_role(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    tenant = read_tenant(options["tenant"])
    member, role = _member(tenant, options["email"]), Membership.Role(options["role"])
    before = member.role
    change_role_as_operator(membership=member, role=role, actor=ACTOR)
    email = member.user.email
    facts = {"tenant": tenant.public_id, "email": email, "role": role.value}
    command.tell(options, facts, f"{tenant.name}: {email}: {before} -> {role.value}")


def remove(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    """End a membership; the keys the person made go to another member, or are revoked."""
    tenant, text = read_tenant(options["tenant"]), options["keys"]
    member = _member(tenant, options["email"])
    email: str = member.user.email
    keys: int = member.keys_made  # type: ignore[attr-defined]  # annotated by members_of
    if keys and text is None:
        raise CommandError(
            f"{email} made {keys} of its keys; hand them over: --keys EMAIL, or --keys {REVOKE}"
        )
    heir = None if text in {None, REVOKE} else read_person(text)
    dismiss_member_as_operator(membership=member, heir=heir, actor=ACTOR, now=clock.now())
    facts = {"tenant": tenant.public_id, "removed": email}
    command.tell(options, facts, f"{tenant.name}: {email} removed")


def _member(tenant: Tenant, email: str) -> Membership:
    person = read_person(email)
    for member in members_of(tenant.id):
        if member.user_id == person.id:
            return member
    raise CommandError(f"{person.email} is no member of {tenant.name}")
