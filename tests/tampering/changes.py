# ruff: noqa: S608 - the names of tables and columns come from the models and the catalogue
"""Changes of every kind to a table's rows, and whether they are detected."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import Error, IntegrityError, connection, transaction

from billing.selectors.office.card_proof import card_findings
from billing.selectors.office.checkpoints import Checkpoints
from billing.selectors.office.findings import Finding
from billing.selectors.office.ledger import ledger_findings, usage_findings
from generation.oversight.ledger.findings import generation_findings
from generation.oversight.ledger.rounds import Round
from pictor.kit.words import clock

ANOTHER_VALUE = {
    "int2": "{} + 1",
    "int4": "{} + 1",
    "int8": "{} + 1",
    "numeric": "{} + 1",
    "bool": "NOT {}",
    "varchar": "left('x' || {}, 1 + length({}) / 2)",
    "text": "{} || 'x'",
    "uuid": "gen_random_uuid()",
    "timestamptz": "{} + interval '40 days'",
    "date": "{} + 40",
    "jsonb": "'{{\"changed\": 1}}'::jsonb",
    "bytea": "'\\x00'::bytea",
    "inet": "'10.9.8.7'::inet",
    "_varchar": "array_append({}, 'x')",
    "_int8": "array_append({}, 1::bigint)",
}
WHERE_NULL = {
    "int8": "1",
    "int2": "1",
    "uuid": "gen_random_uuid()",
    "timestamptz": "now()",
    "inet": "'10.9.8.7'::inet",
    "bytea": "'\\x00'::bytea",
    "jsonb": "'{\"changed\": 1}'::jsonb",
    "varchar": "'x'",
}


def run(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.rowcount)


def columns(table: str) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, udt_name FROM information_schema.columns"
            " WHERE table_name = %s AND table_schema = current_schema() ORDER BY ordinal_position",
            [table],
        )
        return list(cursor.fetchall())


@contextmanager
def undone() -> Iterator[None]:
    """Roll back everything inside the block."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def findings() -> Iterator[Finding]:
    yield from ledger_findings()
    yield from card_findings()
    yield from usage_findings()
    yield from generation_findings()


def findings_by_ranges() -> Iterator[Finding]:
    for prove in Round(Checkpoints(), now=clock.now()).steps():
        yield from (finding for finding in prove() if finding.check != "protection")


def shows(statement: str, proof: Callable[[], Iterator[Finding]] = findings) -> bool:
    """True if the database refuses the statement or the proof finds it."""
    try:
        with undone():
            assert run(statement) > 0, "the books have no such row"
            return any(proof())
    except IntegrityError:
        return True
    except Error as error:
        if "permission denied" not in str(error):
            raise
        return True


def change(column: str, kind: str) -> str:
    changed = ANOTHER_VALUE[kind].format(f'"{column}"', f'"{column}"')
    absent = WHERE_NULL.get(kind, changed)
    return f'"{column}" = CASE WHEN "{column}" IS NULL THEN {absent} ELSE {changed} END'


def adding_to(table: str) -> str:
    """A copy of a row under another key."""
    names = [column for column, _ in columns(table)]
    key = "tenant_id" if "id" not in names and "tenant_id" in names else "id"
    kinds = dict(columns(table))
    values = [
        ("gen_random_uuid()" if kinds[name] == "uuid" else f'"{name}" + 1000')
        if name == key
        else f'"{name}"'
        for name in names
    ]
    listed = ", ".join(f'"{name}"' for name in names)

    return f"INSERT INTO {table} ({listed}) SELECT {', '.join(values)} FROM {table} LIMIT 1"
