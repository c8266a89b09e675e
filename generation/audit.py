"""The ledger held against the generations: what billing's own proof cannot see.

A hold is columns of its generation plus a transfer; here both are compared, and the cached balances
and counters with the generations that are not final. Each check is one statement that returns the
rows which cannot be true. `audit` sees everything, billing's checks included, in one REPEATABLE
READ snapshot, so that it is exact while requests are admitted and settled. Amounts are micro-USD.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from billing.selectors import Finding as LedgerFinding
from billing.selectors import ledger_findings, ledger_totals, usage_findings
from pictor.kit import ids

MAX_FINDINGS_PER_CHECK = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that cannot be true. `tenant` is its public id, None where no tenant is named.

    `object` is a kind and an id: `generation gen_…`, `tenant ten_…`, `key key_…`, `transfer 7`.
    """

    check: str
    tenant: str | None
    object: str
    message: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What a check of the whole ledger found, and its totals."""

    findings: tuple[Finding, ...]
    totals: Mapping[str, int | str]

    @property
    def ok(self) -> bool:
        """Nothing was found."""
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        """{"ok", "findings": [...], "totals": {...}}."""
        return {
            "ok": self.ok,
            "findings": [asdict(finding) for finding in self.findings],
            "totals": dict(self.totals),
        }


# Every generation beside what its hold's transfers say, every hold beside its generation; and the
# generations under way, whose holds and places in flight the cached rows must count.
_WITH = """
WITH moved AS (
    SELECT generation_id,
           COALESCE(SUM(amount) FILTER (WHERE kind = 'hold'), 0) AS held,
           COALESCE(SUM(amount) FILTER (WHERE kind = 'capture'), 0) AS captured,
           COALESCE(SUM(amount) FILTER (WHERE kind = 'release'), 0) AS released,
           COUNT(*) FILTER (WHERE kind = 'hold') AS holds,
           COUNT(*) FILTER (WHERE kind <> 'hold') AS ends,
           MIN(tenant_id::text) AS tenant, COUNT(DISTINCT tenant_id) AS tenants
      FROM billing_transfer WHERE kind IN ('hold', 'capture', 'release')
     GROUP BY generation_id
), holds AS (
    SELECT g.id::text AS id, g.state, g.held_micros, g.captured_micros,
           g.state IN ('queued', 'running') AS is_open,
           m.generation_id::text AS generation_id, COALESCE(g.tenant_id::text, m.tenant) AS tenant,
           m.tenant AS paid_by, COALESCE(m.tenants, 0) AS tenants,
           COALESCE(m.held, 0) AS held, COALESCE(m.captured, 0) AS captured,
           COALESCE(m.released, 0) AS released,
           COALESCE(m.holds, 0) AS holds, COALESCE(m.ends, 0) AS ends
      FROM generation_generation g FULL JOIN moved m ON m.generation_id = g.id
), under_way AS (
    SELECT tenant_id, SUM(held_micros) AS held, COUNT(*) AS generations
      FROM generation_generation WHERE state IN ('queued', 'running') GROUP BY tenant_id
), under_way_by_key AS (
    SELECT api_key_id, COUNT(*) AS generations
      FROM generation_generation WHERE state IN ('queued', 'running') GROUP BY api_key_id
), stored AS (
    SELECT generation_id, COUNT(*) AS images FROM storage_storedimage GROUP BY generation_id
)
"""

# Each gives: the check, the tenant's id, the kind of object, its id (NULL: the tenant's), the
# message. The holds are one statement, because it reads the whole ledger.
_CHECKS = (
    """
    SELECT problem, tenant, 'generation', COALESCE(id, generation_id, 'none'),
           CASE WHEN id IS NULL THEN 'there is no generation' ELSE
               format('%s, says held %s, captured %s', state, held_micros,
                      COALESCE(captured_micros::text, 'nothing')) END
           || format('; transfers held %s, captured %s, released %s', held, captured, released)
      FROM (
        SELECT *, CASE
            WHEN id IS NULL THEN 'hold without generation'
            WHEN holds = 0 AND held_micros > 0 THEN 'generation without hold'
            WHEN holds > 0 AND (tenants <> 1 OR paid_by <> tenant) THEN 'hold of another tenant'
            WHEN held <> held_micros OR holds > 1 THEN 'hold'
            WHEN is_open AND ends > 0 THEN 'open hold'
            WHEN NOT is_open AND (captured IS DISTINCT FROM captured_micros
                                  OR captured + released <> held_micros) THEN 'ended hold'
            END AS problem
          FROM holds
      ) judged
     WHERE problem IS NOT NULL
    """,
    """
    SELECT 'held balance', COALESCE(b.tenant_id, u.tenant_id)::text, 'tenant', NULL,
           format('the balance holds %s, its generations under way %s',
                  COALESCE(b.held, 0), COALESCE(u.held, 0))
      FROM billing_tenantbalance b FULL JOIN under_way u ON u.tenant_id = b.tenant_id
     WHERE COALESCE(b.held, 0) <> COALESCE(u.held, 0)
    """,
    """
    SELECT 'tenant in flight', COALESCE(b.tenant_id, u.tenant_id)::text, 'tenant', NULL,
           format('counts %s in flight; %s are under way',
                  COALESCE(b.in_flight, 0), COALESCE(u.generations, 0))
      FROM billing_tenantbalance b FULL JOIN under_way u ON u.tenant_id = b.tenant_id
     WHERE COALESCE(b.in_flight, 0) <> COALESCE(u.generations, 0)
    """,
    """
    SELECT 'key in flight', k.tenant_id::text, 'key', COALESCE(b.key_id, u.api_key_id)::text,
           format('counts %s in flight; %s are under way',
                  COALESCE(b.in_flight, 0), COALESCE(u.generations, 0))
      FROM billing_keybudget b FULL JOIN under_way_by_key u ON u.api_key_id = b.key_id
      LEFT JOIN accounts_apikey k ON k.id = COALESCE(b.key_id, u.api_key_id)
     WHERE COALESCE(b.in_flight, 0) <> COALESCE(u.generations, 0)
    """,
    """
    SELECT 'charge', tenant_id::text, 'generation', id::text,
           format('%s, charged %s of %s held', state, captured_micros, held_micros)
      FROM generation_generation
     WHERE captured_micros > held_micros OR captured_micros < 0
        OR (state IN ('failed', 'canceled') AND captured_micros IS DISTINCT FROM 0)
        OR (state IN ('queued', 'running') AND captured_micros IS NOT NULL)
        OR (state = 'succeeded' AND captured_micros IS NULL)
        OR state NOT IN ('queued', 'running', 'succeeded', 'failed', 'canceled')
    """,
    """
    SELECT 'images', g.tenant_id::text, 'generation', g.id::text,
           format('%s with %s images of %s', g.state, COALESCE(s.images, 0), g.n)
      FROM generation_generation g LEFT JOIN stored s ON s.generation_id = g.id
     WHERE CASE WHEN g.state = 'succeeded'
                THEN COALESCE(s.images, 0) NOT BETWEEN 1 AND g.n
                ELSE s.images > 0 END
    """,
)

_TOTALS = """
SELECT COUNT(*), COUNT(*) FILTER (WHERE state IN ('queued', 'running')),
       COUNT(*) FILTER (WHERE state = 'succeeded'), COUNT(*) FILTER (WHERE state = 'failed'),
       COUNT(*) FILTER (WHERE state = 'canceled')
  FROM generation_generation
"""
_TOTAL_NAMES = ("generations", "in_flight", "succeeded", "failed", "canceled")

# Whose a finding of billing's is, by what it names.
_OWNERS: Mapping[str, tuple[Callable[[str], int | UUID], str]] = {
    "transfer": (int, "SELECT tenant_id FROM billing_transfer WHERE id = %s"),
    "generation": (UUID, "SELECT tenant_id FROM billing_transfer WHERE generation_id = %s LIMIT 1"),
}


def audit() -> Audit:
    """Prove the whole ledger at one moment. Writes nothing; call it outside any transaction."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
        findings = (
            *_translated(ledger_findings()),
            *_translated(usage_findings()),
            *generation_findings(),
        )
        return Audit(findings, {**ledger_totals(), **_totals()})


def generation_findings() -> list[Finding]:
    """Where ledger and generations disagree, at most 100 a statement. Empty is proof."""
    return [finding for check in _CHECKS for finding in _found(check)]


def _found(check: str) -> Iterable[Finding]:
    # Materialized: with a bare LIMIT the planner expects to stop early, and never does.
    # No parameters: the checks' own format() strings are full of %s.
    found = f"found AS MATERIALIZED ({check}) SELECT * FROM found"  # noqa: S608 - constants
    with connection.cursor() as cursor:
        cursor.execute(f"{_WITH}, {found} LIMIT {MAX_FINDINGS_PER_CHECK}")
        rows = cursor.fetchall()
    for name, tenant, kind, key, message in rows:
        yield Finding(name, _public("tenant", tenant), _named(kind, key or tenant), message)


def _totals() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS)
        return dict(zip(_TOTAL_NAMES, cursor.fetchone(), strict=True))


def _translated(found: Iterable[LedgerFinding]) -> Iterable[Finding]:
    for finding in found:
        kind, _, key = finding.object.partition(" ")
        tenant = key if kind == "tenant" else _owner(kind, key)
        yield Finding(finding.check, _public("tenant", tenant), _named(kind, key), finding.message)


def _owner(kind: str, text: str) -> str | None:
    if kind not in _OWNERS:
        return None
    read, sql = _OWNERS[kind]
    try:
        key = read(text)
    except ValueError:  # a hold of no generation at all
        return None
    with connection.cursor() as cursor:
        cursor.execute(sql, [key])
        row = cursor.fetchone()
    return str(row[0]) if row and row[0] else None


def _named(kind: str, key: str) -> str:
    return f"{kind} {_public(kind, key)}"


def _public(kind: str, key: str | None) -> str | None:
    """The id as people see it, where the kind has a public form and the key is a UUID."""
    prefixes = {"tenant": ids.TENANT, "generation": ids.GENERATION, "key": ids.KEY}
    try:
        return ids.public(prefixes[kind], UUID(key))
    except (KeyError, TypeError, ValueError):
        return key
