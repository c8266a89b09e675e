"""`manage.py ledger_head [--date D] [--json]`, `ledger_head --verify FILE`: heads to be kept."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from billing.selectors import Heads
from billing.signed_heads import signed
from generation.audit.proof import heads_at, proof_with_head
from generation.management.heads import read_head
from pictor.kit import clock

SETTLED = timedelta(minutes=5)
"""So long after a moment nothing more is written for it: far beyond every time-out."""


class Command(BaseCommand):
    """The seals that all chains had reached at a day's end, signed; or proof of kept ones."""

    help = "Print the heads of the ledger at a day's end, signed; or prove a file of them."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--date", type=date.fromisoformat, help="a past UTC day; yesterday")
        parser.add_argument("--json", action="store_true", help="the file to keep")
        parser.add_argument("--verify", type=Path, metavar="FILE", help="prove a kept file")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["verify"]:
            self._verify(options["verify"])
            return
        heads = heads_at(_end_of(options["date"]))
        if options["json"]:
            self.stdout.write(signed(heads))
        else:
            self._say(heads)

    def _verify(self, path: Path) -> None:
        kept = read_head(path)
        for finding in (findings := proof_with_head(kept).findings):
            self.stdout.write(f"{finding.check}: {finding.object} {finding.message}")
        if findings:
            raise CommandError(f"the ledger was rewritten: {len(findings)} findings")
        self.stdout.write(f"nothing before {kept.until:%Y-%m-%d %H:%M} UTC was rewritten")

    def _say(self, heads: Heads) -> None:
        self.stdout.write(f"before {heads.until:%Y-%m-%d %H:%M} UTC")
        for tenant, (seq, seal) in sorted(heads.tenants.items()):
            self.stdout.write(f"{tenant} {seq} {seal}")
        self.stdout.write(f"audit {heads.audit[0]} {heads.audit[1]}")
        self.stdout.write(f"costs {heads.costs[0]} {heads.costs[2]}")


def _end_of(day: date | None) -> datetime:
    """The end of a UTC day, which must be past; of yesterday by default."""
    now = clock.now()
    day = day or now.astimezone(UTC).date() - timedelta(days=1)
    end = datetime.combine(day + timedelta(days=1), time(), UTC)
    if end + SETTLED > now:
        raise CommandError(f"{day} is not over for {SETTLED.seconds // 60} minutes yet")
    return end
