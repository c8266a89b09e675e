"""Dumps of earlier releases' databases, and commands on the restored ones."""

import os
import subprocess
import sys
from typing import Any

from tests.stack.databases import another_database, run_tool, url_of
from tests.stack.servers import ROOT

LEDGER_KEY = "RuKHNalm6uYE4_uFWmJp9H1OVol8JcmyFBmHCsiDjXdYYzdeZsFhf-29ui9YZhVU"
"""The ledger key of the dumped installations, which proves their books."""


def environment_of(database: dict[str, Any]) -> dict[str, str]:
    """Environment of a command on another database than ours."""
    return {"DATABASE_URL": url_of(database), "PICTOR_LEDGER_KEY": LEDGER_KEY}


def restore(database: dict[str, Any], dump: bytes) -> None:
    run_tool("psql", "-q", "-v", "ON_ERROR_STOP=1", of=database, given=dump)


def manage(*arguments: str, database: dict[str, Any]) -> str:
    """Output of a command on another database than ours."""
    return subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment_of(database)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout


def schema_of(database: dict[str, Any]) -> list[str]:
    """Statements of its schema, dumped twice, since a restore writes some differently."""
    with another_database("again") as again:
        restore(again, dump_of(database))
        return dump_of(again).decode().splitlines()


def dump_of(database: dict[str, Any]) -> bytes:
    dump = run_tool("pg_dump", "--schema-only", "--no-owner", "--no-privileges", of=database)
    once = (b"\\restrict", b"\\unrestrict")  # has a new token each time
    return b"".join(line for line in dump.splitlines(keepends=True) if not line.startswith(once))
