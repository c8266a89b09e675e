"""Dumps of earlier releases' databases, and commands on the restored ones."""

from typing import Any

from tests.stack.databases import run_tool, url_of

LEDGER_KEY = "RuKHNalm6uYE4_uFWmJp9H1OVol8JcmyFBmHCsiDjXdYYzdeZsFhf-29ui9YZhVU"
"""The ledger key of the dumped installations, which proves their books."""


def environment_of(database: dict[str, Any]) -> dict[str, str]:
    """Environment of a command on another database than ours."""
    return {"DATABASE_URL": url_of(database), "PICTOR_LEDGER_KEY": LEDGER_KEY}


def restore(database: dict[str, Any], dump: bytes) -> None:
    run_tool("psql", "-q", "-v", "ON_ERROR_STOP=1", of=database, given=dump)
