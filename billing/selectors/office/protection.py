"""The database's own rules: functions, triggers, constraints and unique indexes of our tables.

`protections.json` is the result of the migrations; `make schema` writes it after a migration.
PostgreSQL parses its own printed definitions when a dump is restored, and prints a few rules
differently from then on; `protections_restored.json` has those.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from billing.selectors.office.findings import MAX_FINDINGS_PER_CHECK, Finding
from pictor.kit.database.cursors import all_rows

EXPECTED = Path(__file__).with_name("protections.json")
RESTORED = Path(__file__).with_name("protections_restored.json")

RULES = r"""
WITH ours AS (
    SELECT oid, relname FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
       AND relname ~ '^(accounts|billing|generation|storage|webhooks)_'
)
SELECT 'function ' || p.proname || '(' || pg_get_function_arguments(p.oid) || ')', p.prosrc
  FROM pg_proc p
 WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE 'pictor\_%'
UNION ALL
SELECT 'trigger ' || t.tgname || ' on ' || o.relname,
       CASE t.tgenabled WHEN 'A' THEN 'always: ' WHEN 'O' THEN '' ELSE 'off: ' END
       || pg_get_triggerdef(t.oid)
  FROM pg_trigger t JOIN ours o ON o.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL
SELECT 'constraint ' || c.conname || ' on ' || o.relname, pg_get_constraintdef(c.oid)
  FROM pg_constraint c JOIN ours o ON o.oid = c.conrelid
 WHERE c.contype IN ('c', 'f', 'p', 'u', 'x')
UNION ALL
SELECT 'index ' || i.relname || ' on ' || o.relname, pg_get_indexdef(i.oid)
  FROM pg_index x JOIN ours o ON o.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
 WHERE x.indisunique
"""


def protections() -> dict[str, str]:
    """Return every rule's definition by its kind, name and table, sorted."""
    return dict(sorted(all_rows(RULES)))


def protection_findings() -> list[Finding]:
    """Return rules that are missing, changed, switched off, or not ours."""
    present = protections()
    restored = {rule: text for rule, text in _read(RESTORED).items() if present.get(rule) == text}
    return list(_differences({**_read(EXPECTED), **restored}, present))[:MAX_FINDINGS_PER_CHECK]


def _read(path: Path) -> dict[str, str]:
    rules: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return rules


def _differences(expected: dict[str, str], present: dict[str, str]) -> Iterator[Finding]:
    for rule in sorted(expected.keys() | present.keys()):
        if rule not in present:
            yield Finding("protection", None, rule, "is missing")
        elif rule not in expected:
            yield Finding("protection", None, rule, "is not ours")
        elif expected[rule] != present[rule]:
            yield Finding("protection", None, rule, f"was changed: {present[rule]}"[:500])
