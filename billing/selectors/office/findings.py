"""The findings of the ledger's checks, shared by all apps that check it.

A check is one SQL statement that returns the rows which cannot be true, each as
    check, tenant's id or NULL, kind of object, its id (NULL: the tenant's), message
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from pictor.kit.database.cursors import all_rows, run
from pictor.kit.words import ids

MAX_FINDINGS_PER_CHECK = 100

_PREFIXES: Mapping[str, str] = {
    "tenant": ids.TENANT,
    "generation": ids.GENERATION,
    "key": ids.KEY,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that cannot be true. `tenant` is its public id; None if the finding has no tenant.

    `object` is a kind and an id: `generation gen_…`, `tenant ten_…`, `key key_…`, `transfer 7`.
    """

    check: str
    tenant: str | None
    object: str
    message: str


def findings_of(*checks: str, begin: str = "") -> list[Finding]:
    """Run checks, each after the same beginning: at most 100 findings of each.

    Lifts the transaction's statement time-out.
    """
    run("SET LOCAL statement_timeout = 0")
    return [finding for check in checks for finding in _run(begin + check)]


def _run(check: str) -> list[Finding]:
    # Materialized, or the planner takes LIMIT as a promise that rows will be found soon.
    # No parameters: the checks' own format() strings are full of %s.
    query = f"WITH found AS MATERIALIZED ({check}) SELECT * FROM found"  # noqa: S608 - our own text
    rows = all_rows(f"{query} LIMIT {MAX_FINDINGS_PER_CHECK}")
    return [
        Finding(
            name,
            None if tenant is None else _public("tenant", tenant),
            f"{kind} {_public(kind, tenant if key is None else key)}",
            message,
        )
        for name, tenant, kind, key, message in rows
    ]


def _public(kind: str, key: object) -> str:
    """Return the id's public form if the kind has one and the key is a UUID, else its text."""
    try:
        return ids.public(_PREFIXES[kind], UUID(str(key)))
    except (KeyError, ValueError):
        return str(key)
