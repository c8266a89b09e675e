"""`manage.py ledger_head [--date D] [--json]`: print heads to be kept; `--kept` lists kept ones.

`ledger_head --verify FILE` proves that nothing before a kept one was rewritten.
"""

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import found
from billing.selectors.office.checkpoints import head_kept, kept_heads
from billing.selectors.office.heads import Heads
from billing.signed_heads import sign
from generation.management.heads import read_head
from generation.oversight.ledger.kept_heads import NotOver, heads_of, yesterday
from generation.oversight.ledger.proof import proof_with_head
from pictor.kit.words import clock, typed

MAX_LISTED_HEADS = 400
"""The most kept heads that are listed, one per day."""


class Command(BaseCommand):
    help = "Print the heads of the ledger at a day's end, signed; or prove a file of them."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--date", type=typed.day, help="a past UTC day; default: yesterday")
        parser.add_argument("--json", action="store_true", help="print the file to keep")
        parser.add_argument(
            "--kept",
            action="store_true",
            help="list the days kept here; with --date, print that file",
        )
        parser.add_argument("--verify", type=Path, metavar="FILE", help="prove a kept file")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["verify"]:
            self._verify(options["verify"])
            return
        if options["kept"]:
            self._tell_kept(options["date"])
            return
        now = clock.now()
        try:
            heads = heads_of(options["date"] or yesterday(now), now=now)
        except NotOver as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(sign(heads))
        else:
            self._say(heads)

    def _verify(self, path: Path) -> None:
        kept = read_head(path)
        for finding in (findings := proof_with_head(kept).findings):
            self.stdout.write(f"{finding.check}: {finding.object} {finding.message}")
        if findings:
            raise CommandError(f"the ledger was rewritten: {len(findings)} findings")
        self.stdout.write(f"nothing before {kept.until:%Y-%m-%d %H:%M} UTC was rewritten")

    def _tell_kept(self, day: date | None) -> None:
        if day is None:
            for head in kept_heads(limit=MAX_LISTED_HEADS):
                self.stdout.write(
                    f"{head.day} {head.kept_at:%Y-%m-%d %H:%M} {head.tenants} tenants"
                )
            return
        self.stdout.write(found(head_kept(day), f"no head of {day} is kept here").content)

    def _say(self, heads: Heads) -> None:
        self.stdout.write(f"before {heads.until:%Y-%m-%d %H:%M} UTC")
        for tenant, (seq, seal) in sorted(heads.tenants.items()):
            self.stdout.write(f"{tenant} {seq} {seal}")
        self.stdout.write(f"audit {heads.audit[0]} {heads.audit[1]}")
        self.stdout.write(f"costs {heads.costs[0]} {heads.costs[2]}")
