"""`manage.py person set|delete|reset-mfa|end-sessions|mail|rotate-mfa`."""

from typing import Any

from django.core.checks import Tags
from django.core.management.base import CommandError, CommandParser
from django.db.models import ProtectedError
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, read_person
from accounts.selectors.office.people import waiting_mail
from accounts.services.office.mail import encrypt_mail_anew
from accounts.services.office.people import change_person, delete_user, sign_out
from accounts.services.office.second_factors import (
    encrypt_second_factors_anew,
    reset_second_factors,
)
from pictor.kit.secrets.encryption import WrongKey


class Command(OperatorCommand):
    help = "Change a person, reset a second factor, end sessions, or re-encrypt factors."
    requires_system_checks = (Tags.security,)  # the secrets; not the site's URLs and pages

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        change = actions.add_parser("set", help="change a person's address or name, or block them")
        change.add_argument("email")
        change.add_argument("--email", dest="new_email", metavar="EMAIL")
        change.add_argument("--name")
        change.add_argument("--may-sign-in", choices=("yes", "no"))
        delete = actions.add_parser("delete", help="delete a person who never did anything")
        delete.add_argument("email")
        reset = actions.add_parser("reset-mfa", help="remove a person's second factors")
        reset.add_argument("email")
        end = actions.add_parser("end-sessions", help="sign a person out everywhere")
        end.add_argument("email")
        mail = actions.add_parser("mail", help="show the mail to a person that is not sent yet")
        mail.add_argument("email")
        actions.add_parser(
            "rotate-mfa", help="re-encrypt all second factors and mail with the newest key"
        )

    def _set(self, options: dict[str, Any]) -> None:
        user = read_person(options["email"])
        answer = options["may_sign_in"]
        change_person(
            user=user,
            email=options["new_email"],
            name=options["name"],
            is_active=answer and answer == "yes",
            actor=ACTOR,
        )
        may = "may" if user.is_active else "may not"
        self.stdout.write(f"{user.email}: {user.name or 'without a name'}, {may} sign in")

    def _delete(self, options: dict[str, Any]) -> None:
        user = read_person(options["email"])
        try:
            delete_user(user=user, actor=ACTOR)
        except ProtectedError:
            raise CommandError(
                f"{user.email} appears in the audit log; block them instead: person set"
                " --may-sign-in no"
            ) from None
        self.stdout.write(f"{user.email}: deleted")

    def _reset_mfa(self, options: dict[str, Any]) -> None:
        user = read_person(options["email"])
        reset_second_factors(user=user, actor=ACTOR)
        self.stdout.write(f"{user.email}: signs in with only the password and sets up a new factor")

    def _end_sessions(self, options: dict[str, Any]) -> None:
        user = read_person(options["email"])
        sign_out(user=user, actor=ACTOR)
        self.stdout.write(f"{user.email}: signed out everywhere")

    def _mail(self, options: dict[str, Any]) -> None:
        user = read_person(options["email"])
        mails = waiting_mail(user.email)
        if not mails:
            raise CommandError(f"no mail to {user.email} is waiting to be sent")
        try:
            for mail in mails:
                self.stdout.write(f"{mail.created_at:%Y-%m-%d %H:%M} UTC  {mail.subject}\n")
                self.stdout.write(f"{mail.text}\n")
        except WrongKey:
            raise CommandError("the mail was encrypted with an unknown key") from None

    def _rotate_mfa(self, options: dict[str, Any]) -> None:
        count = encrypt_second_factors_anew(actor=ACTOR)
        mails = encrypt_mail_anew()
        self.stdout.write(f"{count} factors and {mails} mails re-encrypted with the newest key")
