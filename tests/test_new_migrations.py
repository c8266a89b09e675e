"""squawk over what each migration since 25 November 2026 does: does it lock what requests need?"""

import subprocess
import sys
from pathlib import Path

from tests.databases import another_database
from tests.servers import ROOT
from tests.test_migrations import manage

LAST = {
    "accounts": "0007_uncharged_ceiling",
    "billing": "0003_uncharged_cost",
    "generation": "0025_rows_of_tests",
    "storage": "0002_sums_of_images",
    "webhooks": "0002_events_of_tests",
}
"""Of each app on that day: what came before is older than this rule."""
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
    """What squawk says of statements, a line each; nothing where it has nothing against them."""
    squawk = Path(sys.executable).with_name("squawk")
    return subprocess.run(  # noqa: S603 - of our own lock file
        [squawk, "--config", ROOT / ".squawk.toml", "--reporter", "gcc"],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def objections_since(last: dict[str, str]) -> dict[str, str]:
    """Those to each migration after these, in an order in which they can be run.

    Some statements depend on what the database has before them, so each is run after it was read.
    """
    if not newer(last):
        return {}
    found = {}
    with another_database("new") as made:
        for app, name in last.items():
            manage("migrate", "-v0", app, name, database=made)
        for app, name in newer(last):
            found[f"{app}.{name}"] = objections(manage("sqlmigrate", app, name, database=made))
            manage("migrate", "-v0", app, name, database=made)
    return found


def test_it_objects_to_an_index_that_writers_wait_for():
    assert "require-concurrent-index-creation" in objections(RISKY)


def test_it_has_nothing_against_a_new_column():
    assert objections(RISKY.replace("CREATE INDEX by_wide ON accounts_tenant (wide);\n", "")) == ""


def test_every_newer_migration_is_read(db):
    read = objections_since({"webhooks": "0001_squashed_0002_modes"})

    assert "webhooks.0002_events_of_tests" in read


def test_it_objects_to_no_new_migration(db):
    assert {name: said for name, said in objections_since(LAST).items() if said} == {}
