"""Databases beside the tests' own, and the embedded server's tools."""

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection

from pictor.runtime.postgres_place import PACKAGE


@contextmanager
def another_database(ending: str) -> Iterator[dict[str, Any]]:
    """Connection parameters of an empty database, named as the tests' with the ending."""
    here = connection.get_connection_params()
    where = {name: here[name] for name in ("host", "port", "user", "password")}
    name = f"{here['dbname']}_{ending}"
    with psycopg.connect(**where, dbname="postgres", autocommit=True) as owner:
        owner.execute(f'CREATE DATABASE "{name}"')
        try:
            yield {**where, "dbname": name}
        finally:
            owner.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def run_tool(tool: str, *arguments: str, of: dict[str, Any], given: bytes = b"") -> bytes:
    """What `pg_dump`, `psql` or the like prints about a database."""
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    tools = max(Path(spec.origin).parent.glob("pginstall*/bin"))
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    return subprocess.run(  # noqa: S603 - of the embedded server
        [tools / tool, *arguments],
        env={
            **os.environ,
            **{variable: str(of[name]) for name, variable in names.items()},
            "PGDATABASE": of["dbname"],
        },
        input=given,
        capture_output=True,
        check=True,
    ).stdout
