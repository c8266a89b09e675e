"""`manage.py webhook rotate`."""

from typing import Any

from django.core.checks import Tags
from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand
from webhooks.rotation import rotate_encryption


class Command(OperatorCommand):
    help = "Re-encrypt the secrets of webhook endpoints with the newest key."
    requires_system_checks = (Tags.security,)  # the secrets; not the site's URLs and pages

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("rotate", help="re-encrypt all secrets with the newest encryption key")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        done = rotate_encryption(actor=ACTOR)
        self.stdout.write(f"{done.changed} re-encrypted")
        if done.unreadable:
            raise CommandError(
                "no key of PICTOR_ENCRYPTION_KEYS opens the secrets of"
                f" {', '.join(done.unreadable)}: their tenants must rotate them"
            )
