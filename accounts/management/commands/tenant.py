"""`manage.py tenant create|credit|set|export|erase`."""

from pathlib import Path
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
from accounts.services import (
    TenantLimits,
    create_tenant,
    erase_tenant,
    export_tenant,
    issue_api_key,
    set_prompt_retention,
)
from pictor.kit import clock
from pictor.kit.money import to_decimal


class Command(BaseCommand):
    """Make a tenant, give it a credit, change what is kept of it, hand that out, or end it."""

    help = "Create a tenant, credit it, say how long it keeps prompts, export or erase it."
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

        change = actions.add_parser("set", help="how long a tenant's prompts are kept")
        change.add_argument("tenant", help="name or id")
        change.add_argument("--prompt-retention-days", required=True, metavar="N", help="or: none")
        export = actions.add_parser("export", help="all that is kept of a tenant, as a zip file")
        export.add_argument("tenant", help="name or id")
        export.add_argument("path", type=Path, help="a file that does not exist yet")
        erase = actions.add_parser("erase", help="end a tenant, and forget all but its money")
        erase.add_argument("tenant", help="name or id")
        erase.add_argument("--confirm", required=True, metavar="NAME", help="the tenant's name")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        actions = {
            "create": self._create,
            "credit": self._credit,
            "set": self._set,
            "export": self._export,
            "erase": self._erase,
        }
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

    def _set(self, options: dict[str, Any]) -> None:
        tenant = read_tenant(options["tenant"])
        text = options["prompt_retention_days"]
        days = None if text == "none" else read_limit(text)
        set_prompt_retention(tenant=tenant, days=days, actor=ACTOR)
        kept = "always" if days is None else f"for {days} days"
        self.stdout.write(f"{tenant.name}: prompts are kept {kept}")

    def _export(self, options: dict[str, Any]) -> None:
        tenant = read_tenant(options["tenant"])
        try:
            export_tenant(tenant=tenant, path=options["path"], actor=ACTOR)
        except OSError as error:
            raise CommandError(f"{options['path']}: {error.strerror or error}") from None
        self.stdout.write(f"{tenant.name}: exported to {options['path']}")

    def _erase(self, options: dict[str, Any]) -> None:
        tenant = read_tenant(options["tenant"])
        erase_tenant(tenant=tenant, confirmation=options["confirm"], actor=ACTOR, now=clock.now())
        self.stdout.write(f"{tenant.public_id}: erased")
