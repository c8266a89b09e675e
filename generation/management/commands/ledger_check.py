"""`manage.py ledger_check [--json]`: exit status 0 when the ledger is proved, 1 with findings."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from generation.audit import audit


class Command(BaseCommand):
    """Compute every balance, sum and hold again, compare charges with holds; exact under load."""

    help = "Prove the ledger against itself and the generations."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        found = audit()
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
