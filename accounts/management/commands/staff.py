"""`manage.py staff list|set|remove`: the people who run this installation, and their roles."""

import json
from typing import Any

from django.core.checks import Tags
from django.core.management.base import CommandParser
from typing_extensions import override

from accounts import rates
from accounts.management.operator import ACTOR, OperatorCommand, print_table, read_person
from accounts.models import User
from accounts.selectors.office.people import is_invited_as_staff, memberships_of, staff
from accounts.services.office.staff import remove_staff, set_staff_role

COLUMNS = ("email", "role", "second_factor", "last_seen", "member_of")


class Command(OperatorCommand):
    help = "List staff, give somebody a staff role, or take it away."
    requires_system_checks = (Tags.security,)  # the mail's encryption key; not the site's pages

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        every = actions.add_parser(
            "list", help="list staff with role, second factor, last visit and customers' tenants"
        )
        every.add_argument("--json", action="store_true")
        give = actions.add_parser("set", help="make somebody staff, or change their role")
        give.add_argument("email")
        give.add_argument("role", choices=User.StaffRole.values)
        remove = actions.add_parser(
            "remove", help="remove somebody from staff, and end their sessions"
        )
        remove.add_argument("email")

    def _list(self, options: dict[str, Any]) -> None:
        rows = [
            {
                "email": person.email,
                "role": person.staff_role,
                "second_factor": person.has_second_factor,  # type: ignore[attr-defined]  # annotated
                "last_seen": person.staff_seen_at
                and person.staff_seen_at.isoformat(timespec="seconds"),
                "member_of": [member.tenant.name for member in person.customers],  # type: ignore[attr-defined]  # prefetched
            }
            for person in staff()
        ]
        if options["json"]:
            self.stdout.write(json.dumps(rows))
            return
        words = {True: "yes", False: "no", None: "never"}
        cells = [
            (*(str(words.get(cell, cell)) for cell in row), ", ".join(member_of))
            for *row, member_of in (row.values() for row in rows)
        ]
        print_table(self.stdout, [COLUMNS, *cells])

    def _set(self, options: dict[str, Any]) -> None:
        if is_invited_as_staff(options["email"]):
            rates.take_typed_mail(options["email"])
        done = set_staff_role(email=options["email"], role=options["role"], actor=ACTOR)
        self.stdout.write(f"{done.user.email}: {done.user.staff_role}")
        for member in memberships_of(done.user.email):
            if not member.tenant.is_ours:
                self.stdout.write(
                    f"They are {member.role} of {member.tenant.name}, a customer's tenant"
                )
        if done.is_invited:
            self.stdout.write(
                "They get an invitation by mail and set a password with “Forgotten your"
                f" password?”. If no mail is sent: changepassword {done.user.email}"
            )

    def _remove(self, options: dict[str, Any]) -> None:
        user = read_person(options["email"])
        remove_staff(user=user, actor=ACTOR)
        self.stdout.write(f"{user.email}: no longer staff, and signed out everywhere")
