"""The ends of all chains at one moment, kept elsewhere to reveal later rewriting."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.audit_chain import audit_head, audit_seal_at
from billing.selectors.office.findings import Finding
from pictor.kit.database.cursors import all_rows, first_row, run
from pictor.kit.secrets.seals import microseconds
from pictor.kit.words import ids
from pictor.kit.words.untyped import Json

_HEADS = """
SELECT DISTINCT ON (tenant_id) tenant_id, seq, encode(seal, 'hex') FROM billing_transfer
 WHERE tenant_id IS NOT NULL AND seal IS NOT NULL AND created_at < %s
 ORDER BY tenant_id, seq DESC
"""
_SEALS_AT = """
SELECT encode(seal, 'hex') FROM billing_transfer WHERE tenant_id = %s AND seq = %s
"""
_COSTS = """
SELECT COUNT(*), COALESCE(SUM(amount), 0),
       encode(sha256(COALESCE(string_agg(seal, ''::bytea ORDER BY id), ''::bytea)), 'hex')
  FROM billing_transfer WHERE tenant_id IS NULL AND seal IS NOT NULL AND created_at < %s
"""


@dataclass(frozen=True, slots=True)
class Heads:
    """By tenant's public id, the number and seal of its last transfer before `until`.

    `audit` is the audit log's last link before anything later. `costs` are the platform's own
    transfers before `until`: their number, their sum in micros, and a digest of their seals. Seals
    are hexadecimal.
    """

    until: datetime
    tenants: dict[str, tuple[int, str]]
    audit: tuple[int, str]
    costs: tuple[int, int, str]

    def as_json(self) -> dict[str, object]:
        return {
            "version": 1,
            "until": self.until.isoformat(),
            "until_microseconds": microseconds(self.until),
            "tenants": {name: list(head) for name, head in sorted(self.tenants.items())},
            "audit": list(self.audit),
            "costs": list(self.costs),
        }

    @classmethod
    def from_json(cls, data: Json) -> "Heads":
        """Read what `as_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        audit_seq, audit_seal = data["audit"]
        count, total, digest = data["costs"]
        return cls(
            until=datetime.fromisoformat(data["until"]),
            tenants={
                str(name): (int(seq), str(seal)) for name, (seq, seal) in data["tenants"].items()
            },
            audit=(int(audit_seq), str(audit_seal)),
            costs=(int(count), int(total), str(digest)),
        )


def heads_before(until: datetime) -> Heads:
    """Return the heads of everything written before a time that is some minutes past.

    A transfer's time is taken before it waits for its turn, so for a more recent moment some could
    still appear.
    """
    run("SET LOCAL statement_timeout = 0")  # it reads all tenants' transfers
    tenants = {
        ids.public(ids.TENANT, row[0]): (row[1], row[2]) for row in all_rows(_HEADS, [until])
    }
    costs = _costs_before(until)
    seq, seal = audit_head(until)
    return Heads(until=until, tenants=tenants, audit=(seq, seal.hex()), costs=costs)


def head_findings(kept: Heads) -> list[Finding]:
    """Return the differences between the ledger and these kept heads. Empty is proof.

    The chain itself must be proved too (`ledger_findings`): this checks only the kept places.
    """
    findings = [
        Finding(
            "kept head",
            tenant,
            f"tenant {tenant}",
            f"transfer {seq} and those before it differ from the kept head",
        )
        for tenant, (seq, seal) in kept.tenants.items()
        if _seal_at(ids.parse(ids.TENANT, tenant), seq) != seal
    ]
    seq, seal = kept.audit
    if seq and (audit_seal_at(seq) or b"").hex() != seal:
        message = f"link {seq} differs from the kept head"
        findings.append(Finding("kept head", None, "audit log", message))
    if _costs_before(kept.until) != kept.costs:
        message = "those before the kept head have changed"
        findings.append(Finding("kept head", None, "transfers of the platform", message))
    return findings


def _seal_at(tenant_id: UUID | None, seq: int) -> str | None:
    row = first_row(_SEALS_AT, [tenant_id, seq])
    return row[0] if row else None


def _costs_before(until: datetime) -> tuple[int, int, str]:
    count, total, digest = first_row(_COSTS, [until])
    return count, int(total), digest
