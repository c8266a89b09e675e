"""`manage.py person reset-mfa|rotate-mfa`."""

from typing import Any

from django.core.checks import Tags
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, say_invalid
from accounts.selectors import user_by_email
from accounts.services.mail import encrypt_mail_anew
from accounts.services.second_factors import (
    encrypt_second_factors_anew,
    reset_second_factors,
)


class Command(OperatorCommand):
    """Take away a person's lost second factors; write everyone's, and mail, by the newest key."""

    help = "Reset a person's second factor, or encrypt all, and mail, by the newest key."
    requires_system_checks = (Tags.security,)  # the secrets; not the site's URLs and pages

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        reset = actions.add_parser("reset-mfa", help="take away a person's second factors")
        reset.add_argument("email")
        actions.add_parser("rotate-mfa", help="write all second factors and mail by the newest key")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        actions = {"reset-mfa": self._reset, "rotate-mfa": self._rotate}
        try:
            actions[options["action"]](options)
        except ValidationError as error:
            raise say_invalid(error) from None

    def _reset(self, options: dict[str, Any]) -> None:
        user = user_by_email(options["email"])
        if user is None:
            raise CommandError(f"nobody has the address {options['email']!r}")
        reset_second_factors(user=user, actor=ACTOR)
        self.stdout.write(f"{user.email}: signs in by password alone, and sets up a new factor")

    def _rotate(self, options: dict[str, Any]) -> None:
        count = encrypt_second_factors_anew(actor=ACTOR)
        mails = encrypt_mail_anew()
        self.stdout.write(f"{count} factors and {mails} mails encrypted by the newest key")
