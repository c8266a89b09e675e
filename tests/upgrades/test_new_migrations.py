"""Each migration since 25 November 2026 locks nothing that requests need, and only adds.

The previous release runs beside the new schema, and can be started again on it. So the things it
uses stay unchanged, and it may write everything it always wrote. A migration that removes or
tightens comes one release after the code stops needing the old form: `after_release = "0.2.0"`
names the release that stopped. A new trigger might refuse old writes, so `fills` must name it as
one that only fills a new column. Of all removals only a foreign key's may come at once, named by
`loosens`: writes that it allowed are still allowed. `widens` names a table's column for longer
words.
"""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.state import ProjectState

from pictor.management.migrating import Executor
from tests.stack.databases import another_database, connected_to
from tests.stack.servers import ROOT
from tests.upgrades.changelog import releases

LAST = {
    "accounts": "0007_uncharged_ceiling",
    "billing": "0003_uncharged_cost",
    "generation": "0025_rows_of_tests",
    "storage": "0002_sums_of_images",
    "webhooks": "0002_events_of_tests",
}
"""The last migration of each app on that day; earlier ones are older than this rule."""
TAKEN_AWAY = ("column", "constraint", "default", "function", "table")
"""squawk's rules `ban-drop-…`, which `after_release` answers; it answers none of its others."""
TIGHTENED = r'(CREATE UNIQUE INDEX|CREATE (?:CONSTRAINT )?TRIGGER)[^;]*?\sON "?(\w+)'
RISKY = """BEGIN;
ALTER TABLE accounts_tenant ADD COLUMN wide integer DEFAULT 0 NOT NULL;
CREATE INDEX by_wide ON accounts_tenant (wide);
COMMIT;
"""


def newer(last: dict[str, str]) -> list[tuple[str, str]]:
    """Apps and names of the migrations after these."""
    names = [
        (app, path.stem)
        for app in sorted(last)
        for path in sorted((ROOT / app / "migrations").glob("0*.py"))
    ]
    return [(app, name) for app, name in names if name > last[app]]


def objections(sql: str) -> str:
    """Objections of squawk to statements, a line each; empty if there are none."""
    squawk = Path(sys.executable).with_name("squawk")
    return subprocess.run(  # noqa: S603 - of our own lock file
        [squawk, "--config", ROOT / ".squawk.toml", "--reporter", "gcc"],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def tightened(sql: str, *, fills: str = "") -> str:
    """Rules new to older tables that the previous release may run against, a line each."""
    sql = sql.replace(f"CREATE TRIGGER {fills} ", "") if fills else sql
    made = set(re.findall(r'CREATE TABLE "?(\w+)', sql))
    found = [
        *re.findall(r'ALTER TABLE "?(\w+)"? (ADD CONSTRAINT "?\w+)', sql),
        *((table, kind) for kind, table in re.findall(TIGHTENED, sql)),
    ]
    return "".join(f"{table}: {what}\n" for table, what in found if table not in made)


def without_foreign_key(sql: str, name: str, database: dict[str, object]) -> str:
    """The same without the statement that drops this constraint, if it is a foreign key."""
    kind = "SELECT contype FROM pg_constraint WHERE conname = %s"
    with psycopg.connect(**database) as asked:  # type: ignore[arg-type] # of a connection's own
        if asked.execute(kind, [name]).fetchone() != ("f",):
            return sql
    return re.sub(rf'ALTER TABLE "\w+" DROP CONSTRAINT "{name}";', "", sql)


def without_widened(sql: str, name: str, database: dict[str, object]) -> str:
    """The same without the statement that lets this column, `table.column`, hold longer words."""
    table, _, column = name.partition(".")
    longest = (
        "SELECT character_maximum_length FROM information_schema.columns"
        " WHERE table_name = %s AND column_name = %s"
    )
    with psycopg.connect(**database) as asked:  # type: ignore[arg-type] # of a connection's own
        (was,) = asked.execute(longest, [table, column]).fetchone() or (0,)
    return re.sub(
        rf'ALTER TABLE "{table}" ALTER COLUMN "{column}" TYPE varchar\((\d+)\);',
        lambda found: "" if int(found[1]) > was else found[0],
        sql,
    )


def replaced(sql: str, database: dict[str, object]) -> str:
    """Functions that the previous release calls and that would change, a line each."""
    with psycopg.connect(**database) as asked:  # type: ignore[arg-type] # of a connection's own
        return "".join(
            f"{name}: CREATE OR REPLACE\n"
            for name in re.findall(r"CREATE OR REPLACE FUNCTION (\w+)", sql)
            if asked.execute("SELECT to_regproc(%s)", [name]).fetchone() != (None,)
        )


def against(sql: str, *, tight: str, after: str | None, out: list[str]) -> str:
    """Objections to a migration that names the release `after`, or none."""
    said = objections(sql)
    if after is None:
        return said + tight
    if after not in out:
        return f"{after} is not out\n"
    gone = tuple(f"ban-drop-{what} " for what in TAKEN_AWAY)
    lines = said.splitlines(keepends=True)
    return "".join(line for line in lines if not any(rule in line for rule in gone))


def objections_since(last: dict[str, str]) -> dict[str, str]:
    """Objections to each migration after these, in an order in which they can be run.

    Some statements depend on earlier ones in the database, so each migration is run after it was
    read.
    """
    found = {}
    out = releases((ROOT / "CHANGELOG.md").read_text())
    read = newer(last)
    with another_database("new") as made, connected_to(made) as other:
        executor = Executor(other)
        state = executor.migrate(list(last.items()))
        executor.loader.build_graph()
        for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes()):
            if (migration.app_label, migration.name) in read:
                sql = sql_of(migration, state, other)
                found[str(migration)] = objections_to(migration, sql, database=made, out=out)
            state = executor.apply_migration(state, migration)
    assert found.keys() == {f"{app}.{name}" for app, name in read}
    return found


def sql_of(migration: Migration, state: ProjectState, other: BaseDatabaseWrapper) -> str:
    """SQL of a migration, as `manage.py sqlmigrate` prints it."""
    with other.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
        migration.apply(state.clone(), editor, collect_sql=True)
    sql = "\n".join(editor.collected_sql)
    return f"BEGIN;\n{sql}\nCOMMIT;\n" if migration.atomic else sql


def objections_to(
    migration: Migration, sql: str, *, database: dict[str, object], out: list[str]
) -> str:
    """Objections to one migration, in the database as it is before it."""
    if loosened := getattr(migration, "loosens", ""):
        sql = without_foreign_key(sql, loosened, database)
    if widened := getattr(migration, "widens", ""):
        sql = without_widened(sql, widened, database)
    return against(
        sql,
        tight=replaced(sql, database) + tightened(sql, fills=getattr(migration, "fills", "")),
        after=getattr(migration, "after_release", None),
        out=out,
    )


def test_squawk_objects_to_an_index_that_writers_wait_for():
    assert "require-concurrent-index-creation" in objections(RISKY)


def test_squawk_accepts_a_new_column():
    assert objections(RISKY.replace("CREATE INDEX by_wide ON accounts_tenant (wide);\n", "")) == ""


OF_EACH_ROW = "ON accounts_tenant FOR EACH ROW EXECUTE FUNCTION keep();"


def alter(what: str) -> str:
    return f"BEGIN;\nALTER TABLE accounts_tenant {what};\nCOMMIT;\n"


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        (alter("DROP COLUMN name"), "ban-drop-column"),
        ("DROP TABLE accounts_tenant;", "ban-drop-table"),
        (alter("DROP CONSTRAINT is_named"), "ban-drop-constraint"),
        (alter("ALTER COLUMN name DROP DEFAULT"), "ban-drop-default"),
        ("DROP FUNCTION billing_hold(uuid);", "ban-drop-function"),
        (alter("RENAME COLUMN name TO title"), "renaming-column"),
        (alter("RENAME TO accounts_account"), "renaming-table"),
        (alter("ALTER COLUMN name SET NOT NULL"), "adding-not-nullable-field"),
        (alter("ALTER COLUMN name TYPE varchar(10)"), "changing-column-type"),
        (alter("ADD COLUMN wide integer NOT NULL"), "adding-required-field"),
        (alter("ADD CONSTRAINT wide CHECK (rpm > 1) NOT VALID"), "ADD CONSTRAINT"),
        ("CREATE UNIQUE INDEX CONCURRENTLY one ON accounts_tenant (name);", "CREATE UNIQUE INDEX"),
        (f"CREATE TRIGGER kept BEFORE INSERT\n{OF_EACH_ROW}", "CREATE TRIGGER"),
    ],
)
def test_removing_what_the_previous_release_uses_is_refused(sql, rule):
    assert rule in against(sql, tight=tightened(sql), after=None, out=["0.2.0", "0.1.0"])


@pytest.mark.parametrize(
    "sql",
    [
        alter("DROP COLUMN name"),
        "DROP TABLE accounts_tenant;",
        alter("ADD CONSTRAINT wide CHECK (rpm > 1) NOT VALID"),
    ],
)
def test_a_removal_is_accepted_once_its_release_is_out(sql):
    said = [
        against(sql, tight=tightened(sql), after=after, out=["0.2.0", "0.1.0"])
        for after in ("0.2.0", "0.3.0")
    ]

    assert said == ["", "0.3.0 is not out\n"]


def test_nothing_is_ever_renamed_beside_requests():
    said = against(alter("RENAME COLUMN name TO title"), tight="", after="0.2.0", out=["0.2.0"])

    assert "renaming-column" in said


def test_a_table_of_its_own_may_be_as_strict_as_it_likes():
    sql = """BEGIN;
CREATE TABLE "billing_run" ("id" uuid NOT NULL PRIMARY KEY, "found" integer NOT NULL);
ALTER TABLE "billing_run" ADD CONSTRAINT "some" CHECK ("found" >= 0) NOT VALID;
CREATE UNIQUE INDEX "one" ON "billing_run" ("found");
CREATE TRIGGER kept BEFORE UPDATE ON billing_run FOR EACH ROW EXECUTE FUNCTION keep();
COMMIT;
"""

    assert tightened(sql) == ""


def test_a_trigger_is_named_that_only_fills_a_new_column():
    sql = "CREATE TRIGGER kept BEFORE INSERT\n" + OF_EACH_ROW

    assert tightened(sql, fills="kept") == ""
    assert tightened(sql, fills="other") == "accounts_tenant: CREATE TRIGGER\n"


def test_a_foreign_key_is_named_that_goes_and_nothing_else_does_by_that(db):
    database = connection.get_connection_params()
    key = "billing_transfer_tenant_id_35756c8d_fk_accounts_tenant_id"
    gone = 'ALTER TABLE "billing_transfer" DROP CONSTRAINT "{}";'

    assert without_foreign_key(gone.format(key), key, database) == ""
    others = ("one_transfer_per_seq", "transfer_moves_something", "unknown")
    kept = [without_foreign_key(gone.format(name), name, database) for name in others]
    assert kept == [gone.format(name) for name in others]


def test_a_column_is_named_that_takes_longer_words_and_nothing_shorter_is_by_that(db):
    database = connection.get_connection_params()
    longer = alter('ALTER COLUMN "name" TYPE varchar({})').replace("accounts_tenant", '"{}"')

    def objected(characters: int, table: str = "accounts_tenant") -> str:
        sql = longer.format(table, characters)
        return objections(without_widened(sql, "accounts_tenant.name", database))

    assert objected(9000) == ""
    assert "changing-column-type" in objected(10)
    assert "changing-column-type" in objected(9000, "accounts_user")


def test_a_function_that_is_there_is_not_replaced(db):
    database = connection.get_connection_params()
    sql = "CREATE OR REPLACE FUNCTION pictor_end_hold_v{}("

    assert replaced(sql.format(1), database) == "pictor_end_hold_v1: CREATE OR REPLACE\n"
    assert replaced(sql.format(9), database) == ""


def test_a_migration_that_is_no_transaction_only_waits_where_nobody_waits_for_it():
    """It runs without lock_timeout: it may only build CONCURRENTLY, or run our own steps."""
    module = {(app, name): import_module(f"{app}.migrations.{name}") for app, name in newer(LAST)}

    held = {
        type(operation).__name__
        for one in module.values()
        if not one.Migration.atomic
        for operation in one.Migration.operations
    }

    concurrently = {"AddIndexConcurrently", "RemoveIndexConcurrently", "ValidateConstraint"}
    assert held <= {*concurrently, "RunPython"}


def test_releases_are_those_of_the_changelog_with_a_day():
    log = "## [Unreleased]\n\n## [0.2.0] - 2026-11-26\n\n### Added\n\n## [0.1.0] - 2026-11-25\n"

    assert releases(log) == ["0.2.0", "0.1.0"]


def test_every_newer_migration_is_read_and_it_objects_to_no_new_one(db):
    read = objections_since({**LAST, "webhooks": "0001_squashed_0002_modes"})

    read.pop("webhooks.0002_events_of_tests")  # newer than that, and older than the rule
    assert {name: said for name, said in read.items() if said} == {}
