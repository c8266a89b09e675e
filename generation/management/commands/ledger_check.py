"""`manage.py ledger_check [--json] [--head FILE]`: exit status 0 when the ledger is proved.

With findings it is 1. `ledger_check --protections` prints the database's own rules and proves
nothing.
"""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from billing.selectors import protections
from generation.audit.proof import Audit, audit, proof_with_head


class Command(BaseCommand):
    """Compute every balance, sum and hold again, compare charges with holds; exact under load."""

    help = "Prove the ledger against itself and the generations."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")
        parser.add_argument(
            "--protections", action="store_true", help="print the database's own rules instead"
        )
        parser.add_argument("--head", type=Path, metavar="FILE", help="a head kept before")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["protections"]:
            self.stdout.write(json.dumps(protections(), indent=1))
            return
        head = options["head"]
        found = _proof_with(head) if head else audit()
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json()))
        else:
            totals = (f"{name} {value}" for name, value in found.totals.items())
            self.stdout.write(", ".join(totals))
            for finding in found.findings:
                whose = f" of {finding.tenant}" if finding.tenant else ""
                self.stdout.write(f"{finding.check}: {finding.object}{whose} {finding.message}")
        if not found.ok:
            raise CommandError(f"the ledger is wrong: {len(found.findings)} findings")
        if not options["json"]:
            self.stdout.write("the ledger is right")


def _proof_with(head: Path) -> Audit:
    from generation.management.heads import read_head  # noqa: PLC0415 - cryptography loads slowly

    return proof_with_head(read_head(head))
