"""`manage.py tenant create|credit`."""

from typing import Any

from django.core.checks import Tags
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from typing_extensions import override

from accounts.ledger import ledger
from accounts.management.operator import (
    ACTOR,
    answer,
    read_amount,
    read_limit,
    read_tenant,
    say_invalid,
)
from accounts.services import TenantLimits, create_tenant, issue_api_key
from pictor.kit.money import to_decimal


class Command(BaseCommand):
    """Make a tenant with a key and a balance, or give one a credit."""

    help = "Create a tenant with an API key, or give a tenant a credit."
    requires_system_checks = (Tags.security,)  # the key's secrets; not the site's URLs and pages

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="a new tenant, its first key and its balance")
        create.add_argument("name")
        create.add_argument("--balance", default="0", metavar="USD")
        create.add_argument("--rpm", metavar="N", help="requests per minute")
        create.add_argument("--json", action="store_true")
        gift = actions.add_parser("credit", help="add to a tenant's balance")
        gift.add_argument("tenant", help="name or id")
        gift.add_argument("amount", metavar="USD")
        gift.add_argument("--reason", required=True)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        actions = {"create": self._create, "credit": self._credit}
        try:
            actions[options["action"]](options)
        except ValidationError as error:
            raise say_invalid(error) from None

    def _create(self, options: dict[str, Any]) -> None:
        with transaction.atomic():
            tenant = create_tenant(
                name=options["name"].strip(),
                opening_balance=read_amount(options["balance"]),
                actor=ACTOR,
                limits=TenantLimits(requests_per_minute=read_limit(options["rpm"])),
            )
            key, plaintext = issue_api_key(tenant=tenant, name="default", actor=ACTOR)
        facts = {"tenant": tenant.public_id, "api_key": plaintext, "key_id": key.public_id}
        answer(self.stdout, facts, as_json=options["json"])

    def _credit(self, options: dict[str, Any]) -> None:
        tenant = read_tenant(options["tenant"])
        amount = read_amount(options["amount"])
        if not options["reason"].strip():
            raise CommandError("--reason is empty")
        books = ledger()
        books.credit(tenant_id=tenant.id, amount=amount, reason=options["reason"], actor=ACTOR)
        available = to_decimal(books.available_to(tenant.id))
        self.stdout.write(
            f"{tenant.name}: {to_decimal(amount)} USD credited, {available} available"
        )
