"""Remains on the stack: rows that contain a text, and objects."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.stack.servers import Stack


def names_of(stack: Stack) -> set[Path]:
    """Every object on the embedded S3 server."""
    return {file for file in (stack.data / "s3").rglob("*") if file.is_file()}


def names_beside(stack: Stack, url: str) -> set[Path]:
    """Every object of the generation with an image at this url; others come at any time."""
    folder = Path(urlsplit(url).path).parent.name
    return {file for file in names_of(stack) if file.parent.name == folder}


def rows_with(database: "psycopg.Connection[Any]", text: str) -> list[str]:
    """Tables with a row that contains the text."""
    tables = database.execute(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    ).fetchall()
    found = []
    for (table,) in tables:
        query = sql.SQL("SELECT 1 FROM {} AS t WHERE t::text LIKE %s LIMIT 1")
        name = sql.Identifier(table)
        if database.execute(query.format(name), [f"%{text}%"]).fetchone():
            found.append(str(table))
    return found
