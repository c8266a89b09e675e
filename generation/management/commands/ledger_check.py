"""`manage.py ledger_check [--json] [--head FILE]`: exit status 0 if the ledger is proved.

With findings it is 1. `--since-checkpoint` and `--whole` run the workers' hourly and daily proofs
now. `--protections` prints the database's own rules and proves nothing.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import found
from billing.models import LedgerProof
from billing.selectors.office.checkpoints import last_proofs
from billing.selectors.office.protection import protections
from generation.oversight.ledger.proof import Audit, audit, proof_with_head
from generation.oversight.ledger.rounds import prove
from pictor.kit.words import clock

Findings = Sequence[Mapping[str, Any]]


class Command(BaseCommand):
    """Compute every balance, sum and hold again, compare charges with holds; exact under load."""

    help = "Prove the ledger against itself and the generations."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--protections", action="store_true", help="print the database's own rules instead"
        )
        what.add_argument("--head", type=Path, metavar="FILE", help="compare with a kept head")
        what.add_argument(
            "--since-checkpoint",
            action="store_const",
            dest="kind",
            const=LedgerProof.Kind.SINCE_CHECKPOINT,
            help="prove the part since the last proofs, by ranges, as each hour",
        )
        what.add_argument(
            "--whole",
            action="store_const",
            dest="kind",
            const=LedgerProof.Kind.WHOLE,
            help="prove the whole ledger by ranges, as each day",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["protections"]:
            self.stdout.write(json.dumps(protections(), indent=1))
            return
        if options["kind"]:
            found = _prove_by_ranges(options["kind"])
        else:  # in one snapshot, which writes nothing
            found = (_proof_with(options["head"]) if options["head"] else audit()).as_json()
        findings = found["findings"]
        if options["json"]:
            self.stdout.write(json.dumps({**found, "last": _last()}))
        else:
            self._tell(found.get("totals", {}), findings)
        if findings:
            raise CommandError(f"the ledger is wrong: {len(findings)} findings")
        if not options["json"]:
            self.stdout.write("the ledger is right")

    def _tell(self, totals: Mapping[str, int | str], findings: Findings) -> None:
        if totals:
            self.stdout.write(", ".join(f"{name} {value}" for name, value in totals.items()))
        for proof in _last():
            self.stdout.write(f"last proof, {_words(proof)}")
        for finding in findings:
            whose = f" of {finding['tenant']}" if finding["tenant"] else ""
            line = f"{finding['check']}: {finding['object']}{whose} {finding['message']}"
            self.stdout.write(line)


def _proof_with(head: Path) -> Audit:
    from generation.management.heads import read_head  # noqa: PLC0415 - cryptography loads slowly

    return proof_with_head(read_head(head))


def _prove_by_ranges(kind: LedgerProof.Kind) -> Mapping[str, Any]:
    otherwise = "another process is running this proof: try again later"
    proof = found(prove(kind, now=clock.now()), otherwise)
    return {"ok": not proof.found, "findings": proof.findings}


def _last() -> list[dict[str, Any]]:
    """The last proofs by ranges; one that never ended has no age."""
    return [
        {
            "kind": proof.kind,
            "age_seconds": None if math.isinf(proof.age_seconds) else round(proof.age_seconds),
            "found": proof.found,
        }
        for proof in last_proofs(now=clock.now())
    ]


def _words(last: Mapping[str, Any]) -> str:
    name = LedgerProof.Kind(last["kind"]).label
    if last["age_seconds"] is None:
        return f"{name}: never"
    return f"{name}: {last['age_seconds'] // 60} minutes ago, {last['found']} findings"
