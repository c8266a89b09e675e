"""Prepared statements for the model rows that every request reads or writes.

`save`, `update` and `get` build their statement each time, which takes longer than PostgreSQL needs
to run it, and PostgreSQL plans each one again. Not for models with signals or with fields that fill
themselves in (`auto_now`), nor where a key made by the database is read afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import (
    BinaryField,
    BooleanField,
    CharField,
    DateTimeField,
    Field,
    ForeignKey,
    Model,
    TextField,
    UUIDField,
)
from django.db.models.expressions import DatabaseDefault

from pictor.kit.database import prepared
from pictor.kit.database.prepared import SqlPart
from pictor.kit.words.untyped import Json

M = TypeVar("M", bound=Model)
AnyField: TypeAlias = "Field[Any, Any]"
_NATURAL: tuple[tuple[type[AnyField], type], ...] = (
    (UUIDField, UUID),
    (CharField, str),
    (TextField, str),
    (BooleanField, bool),
    (DateTimeField, datetime),
    (BinaryField, bytes),
)


class _Column(NamedTuple):
    """A field and the facts about it that are worked out once."""

    field: AnyField
    name: str
    value_of: Callable[[Model], Any]
    natural: type | None
    """The type whose values are sent unchanged, as most values of a row are."""
    sized: Callable[[int], Any] | None
    """Gives an integer the column's size; psycopg would choose the size by the value."""
    is_null_unsaid: bool
    """True if a None is left out: the column has no default, or it is the primary key."""

    def bound(self, value: Any) -> Any:
        """Return the value as psycopg takes it."""
        if value is None or type(value) is self.natural:
            return value
        if type(value) is int and self.sized:
            return self.sized(value)
        return self.field.get_db_prep_save(value, prepared.database())


def insert(row: Model) -> None:
    """Insert a new row, as `save(force_insert=True)` does. Raises Django's database errors."""
    names, values = _columns_and_values(row)
    prepared.fetch_one(_insert(type(row), tuple(names)), values)
    mark_inserted(row)


def insert_rows_part(rows: Sequence[Model], *, from_part: str, by: str) -> SqlPart:
    """Return the INSERT of a model's new rows, of those whose column `by` is an id in `from_part`.

    At least one row.
    """
    named = [dict(zip(*_columns_and_values(row), strict=True)) for row in rows]
    names = tuple(sorted({name for row in named for name in row}))
    return SqlPart(_insert_rows(type(rows[0]), names, from_part, by), [prepared.rows_json(named)])


def mark_inserted(row: Model) -> None:
    """Mark a row as being in the database, as a model's own save does."""
    row._state.adding = False  # noqa: SLF001 - there is no other way to say it
    row._state.db = DEFAULT_DB_ALIAS  # noqa: SLF001 - as above


def update_part(
    model: type[Model], *, where: Mapping[str, Any], only: SqlPart | None = None, **values: Any
) -> SqlPart:
    """Return the UPDATE of the one row that matches `where`, which must include its key.

    Columns go by their fields' names; a None in `where` matches NULL. The statement returns a row
    if it changed one; `only` is a further SQL condition on it.
    """
    matched = {name: value for name, value in where.items() if value is not None}
    nulls = tuple(set(where) - set(matched))
    statement = _update(model, tuple(values), tuple(matched), nulls, only.text if only else "")
    columns = [*values.items(), *matched.items()]
    bound = [_column(model, name).bound(value) for name, value in columns]
    return SqlPart(statement, [*bound, *(only.values if only else ())])


def update_rows_part(
    model: type[Model],
    rows: Sequence[Json],
    *,
    only: str,
    from_part: str,
    by: str = "id",
    kept: str = "",
) -> SqlPart:
    """Return the UPDATE of rows, of those whose column `by` is an id in `from_part`.

    Args:
        model: whose rows they are.
        rows: at least one; the id and new values, by the same fields' names in each.
        only: an SQL condition on the row `g` beside its new values `r`.
        from_part: the name of a part with a column `id`.
        by: a column's name.
        kept: the name of a text that an empty one leaves as it is.
    """
    of = {name: _column(model, name) for name in rows[0]}
    named = [{of[name].name: of[name].bound(value) for name, value in row.items()} for row in rows]
    statement = _update_rows(model, tuple(named[0]), only, from_part, by, kept=kept)
    return SqlPart(statement, [prepared.rows_json(named)])


@cache
def columns(model: type[Model], table: str) -> str:
    """Return SQL for a model's columns in the order of `read`, qualified by the table's alias."""
    return ", ".join(f"{table}.{field.column}" for field in _fields(model))


def read(model: type[M], values: Sequence[Any]) -> M:
    """Return a model's instance, as a query would, from the values of its `columns`."""
    converted, connection = list(values), prepared.database()
    for place, field in _fields_to_convert(model):
        converted[place] = field.from_db_value(converted[place], field.cached_col, connection)  # type: ignore[attr-defined]  # _fields_to_convert has only those
    return model.from_db(DEFAULT_DB_ALIAS, [field.attname for field in _fields(model)], converted)


def _columns_and_values(row: Model) -> tuple[list[str], list[Any]]:
    """Return the columns that the row does not leave to the database, and their values."""
    names, values = [], []
    for column in _columns(type(row)):
        value = column.value_of(row)
        if not (isinstance(value, DatabaseDefault) or (value is None and column.is_null_unsaid)):
            names.append(column.name)
            values.append(column.bound(value))
    return names, values


@cache
def _insert(model: type[Model], names: tuple[str, ...]) -> str:
    values = ", ".join(["%s"] * len(names))
    return f"INSERT INTO {_table(model)} ({', '.join(names)}) SELECT {values} RETURNING 1"


@cache
def _insert_rows(model: type[Model], names: tuple[str, ...], from_part: str, by: str) -> str:
    return (
        f"INSERT INTO {_table(model)} ({', '.join(names)}) SELECT {', '.join(names)}"  # noqa: S608 - our own names
        f" FROM jsonb_populate_recordset(NULL::{_table(model)}, %s::jsonb) AS r"
        f" WHERE r.{by} = ANY(ARRAY(SELECT id FROM {from_part}))"
    )


@cache
def _update_rows(
    model: type[Model], names: tuple[str, ...], only: str, from_part: str, by: str, *, kept: str
) -> str:
    changes = ", ".join(
        f"{name} = "
        + (f"coalesce(nullif(r.{name}, ''), g.{name})" if name == kept else f"r.{name}")
        for name in names
        if name != "id"
    )
    return (
        f"UPDATE {_table(model)} AS g SET {changes}"  # noqa: S608 - as above
        f" FROM jsonb_populate_recordset(NULL::{_table(model)}, %s::jsonb) AS r"
        f" WHERE g.id = r.id AND g.{by} = ANY(ARRAY(SELECT id FROM {from_part})) AND {only}"
        " RETURNING g.id"
    )


@cache
def _update(
    model: type[Model],
    values: tuple[str, ...],
    matched: tuple[str, ...],
    null: tuple[str, ...],
    only: str,
) -> str:
    changes = ", ".join(f"{_column(model, name).name} = %s" for name in values)
    conditions = " AND ".join(
        [
            *(f"{_column(model, name).name} = %s" for name in matched),
            *(f"{_column(model, name).name} IS NULL" for name in null),
            *([only] if only else []),
        ]
    )
    return f"UPDATE {_table(model)} SET {changes} WHERE {conditions} RETURNING 1"  # noqa: S608 - as above


@cache
def _fields(model: type[Model]) -> tuple[AnyField, ...]:
    return tuple(model._meta.concrete_fields)  # noqa: SLF001 - Django's documented way to fields


@cache
def _fields_to_convert(model: type[Model]) -> tuple[tuple[int, AnyField], ...]:
    fields = enumerate(_fields(model))
    return tuple((place, field) for place, field in fields if hasattr(field, "from_db_value"))


@cache
def _columns(model: type[Model]) -> tuple[_Column, ...]:
    return tuple(_of(field) for field in _fields(model))


@cache
def _column(model: type[Model], name: str) -> _Column:
    return _of(model._meta.get_field(name))  # type: ignore[arg-type]  # noqa: SLF001 - by name, ours are columns


def _of(field: AnyField) -> _Column:
    value_field = field.target_field if isinstance(field, ForeignKey) else field
    natural = (natural_type for kind, natural_type in _NATURAL if isinstance(value_field, kind))
    sizes = prepared.database().ops.integerfield_type_map  # type: ignore[attr-defined]  # of PostgreSQL's
    return _Column(
        field=field,
        name=str(field.column),
        value_of=attrgetter(field.attname),
        natural=next(natural, None),
        sized=sizes.get(value_field.get_internal_type()),
        is_null_unsaid=field.primary_key or not field.has_db_default(),
    )


def _table(model: type[Model]) -> str:
    return model._meta.db_table  # noqa: SLF001 - as above
