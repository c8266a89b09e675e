"""`manage.py run` in a new place, with the tables in the file that is its argument."""

import sys
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from pictor.embedded import main
from pictor.embedded.stack import Stack
from tests.databases import load
from tests.servers import ROOT


def up(stack: Stack) -> None:
    """Start everything, and load the tables as soon as PostgreSQL is there."""
    start_servers = stack.start_servers

    def start_and_load() -> None:
        start_servers()
        owner = stack._owner["MIGRATION_DATABASE_URL"]  # noqa: SLF001 - it is written down at the end
        load(Path(sys.argv[1]).read_bytes(), conninfo_to_dict(owner))

    stack.start_servers = start_and_load  # type: ignore[method-assign]
    stack.up()


if __name__ == "__main__":
    sys.exit(main.main(ROOT, up=up))
