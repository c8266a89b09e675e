"""Many rows in one statement: PostgreSQL's COPY, which takes a tenth of the time of INSERTs."""

from collections.abc import Sequence

from django.db import connection
from django.db.models import Field, JSONField, Model
from django.db.models.expressions import DatabaseDefault
from psycopg import sql
from psycopg.types.json import Jsonb


def copy_rows(rows: Sequence[Model]) -> None:
    """Insert new rows of one model, without reading back the keys and defaults they are given.

    The first row decides which columns are left to the database. Values are sent unchanged, except
    that JSON is encoded: `save`, signals and the fields' own preparation do not run.
    """
    if not rows:
        return
    meta = type(rows[0])._meta  # noqa: SLF001 - Django's documented way to a model's columns
    fields = [field for field in meta.concrete_fields if _is_given(rows[0], field)]
    columns = [(field.attname, isinstance(field, JSONField)) for field in fields]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(meta.db_table),
        sql.SQL(", ").join([sql.Identifier(str(field.column)) for field in fields]),
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            values = [(getattr(row, name), is_json) for name, is_json in columns]
            copy.write_row([_json(value) if is_json else value for value, is_json in values])


def _json(value: object) -> Jsonb | None:
    return None if value is None else Jsonb(value)


def _is_given(row: Model, field: "Field[object, object]") -> bool:
    value = getattr(row, field.attname)
    is_left = value is None and field.primary_key
    return not is_left and not isinstance(value, DatabaseDefault)
