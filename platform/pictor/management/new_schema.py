"""The schema of a new embedded database as one file: all migrations' result, loaded in 0.3 s.

Migrating an empty database takes 10 s, nearly all of it Django's, which makes every model anew
after every migration. Migrations that are newer than the file run after it. Production migrates:
its server may be of another version than the one that wrote the file (`make schema`).
"""

import re
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from pictor.kit.database.cursors import run

SCHEMA = Path(__file__).with_name("schema.sql")

_NOISE = re.compile(
    r"^(--\n(-- .*\n--\n)?\n+|-- Dumped .*\n+|\\(un)?restrict .*\n+|SET transaction_timeout.*\n)",
    re.MULTILINE,
)
_TIME = re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00'")


def load_new_schema() -> None:
    """Make the tables of an embedded database that has none."""
    if "postgres" in settings.EMBEDDED_PARTS and not connection.introspection.table_names():
        with transaction.atomic():
            run(SCHEMA.read_text())


def as_new(dump: str) -> str:
    """Return a migrated database's dump by pg_dump, with its few rows, as the file's text.

    Its settings end with the transaction, and its rows were written when it is loaded.
    """
    text = _NOISE.sub("", dump).replace("'search_path', '', false", "'search_path', '', true")
    return _TIME.sub("now()", re.sub("^SET ", "SET LOCAL ", text, flags=re.MULTILINE))
