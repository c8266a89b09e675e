"""Statements that every request runs: parsed and planned once a connection, not each time.

Django binds values on the client, so that no two statements are alike to the server. Here they go
beside the text: a value that only text is made of must say its type (`%(words)s::text`). Needs
`prepare_threshold` among the database's options.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection


def fetch_one(statement: str, values: Mapping[str, Any] | Sequence[Any]) -> tuple[Any, ...] | None:
    """The first row; None where there is none. Raises Django's database errors."""
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        return cursor.execute(statement, values, prepare=True).fetchone()
