"""`manage.py changepassword EMAIL`: Django's command, with the audit log and owners told."""

from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.checks import Tags
from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, read_person
from accounts.services.office.people import set_password


class Command(OperatorCommand):
    help = "Give a person another password."
    requires_system_checks = (Tags.security,)  # the secrets; not the site's URLs and pages

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        user = read_person(options["email"])
        password = getpass()
        if getpass("Password (again): ") != password:
            raise CommandError("the two passwords differ")
        validate_password(password, user)
        set_password(user=user, password=password, actor=ACTOR)
        self.stdout.write(f"{user.email}: signs in with the new password")
