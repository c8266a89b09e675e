"""`manage.py person reset-mfa|end-sessions|rotate-mfa`."""

from typing import Any

from django.core.checks import Tags
from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, read_person, say_invalid
from accounts.services import end_sessions
from accounts.services.mail import encrypt_mail_anew
from accounts.services.second_factors import (
    encrypt_second_factors_anew,
    reset_second_factors,
)


class Command(OperatorCommand):
    """Take away lost second factors, or end sessions; encrypt all, and mail, by the newest key."""

    help = "Reset a second factor, end sessions, or encrypt all factors and mail anew."
    requires_system_checks = (Tags.security,)  # the secrets; not the site's URLs and pages

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        reset = actions.add_parser("reset-mfa", help="take away a person's second factors")
        reset.add_argument("email")
        end = actions.add_parser("end-sessions", help="sign a person out everywhere")
        end.add_argument("email")
        actions.add_parser("rotate-mfa", help="write all second factors and mail by the newest key")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        actions = {
            "reset-mfa": self._reset,
            "end-sessions": self._end,
            "rotate-mfa": self._rotate,
        }
        try:
            actions[options["action"]](options)
        except ValidationError as error:
            raise say_invalid(error) from None

    def _reset(self, options: dict[str, Any]) -> None:
        user = read_person(options["email"])
        reset_second_factors(user=user, actor=ACTOR)
        self.stdout.write(f"{user.email}: signs in by password alone, and sets up a new factor")

    def _end(self, options: dict[str, Any]) -> None:
        user = read_person(options["email"])
        end_sessions(user=user, actor=ACTOR)
        self.stdout.write(f"{user.email}: signed out everywhere")

    def _rotate(self, options: dict[str, Any]) -> None:
        count = encrypt_second_factors_anew(actor=ACTOR)
        mails = encrypt_mail_anew()
        self.stdout.write(f"{count} factors and {mails} mails encrypted by the newest key")
