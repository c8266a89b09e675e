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
    prepared.fetch_one(*insert_part(row))
    mark_inserted(row)


def insert_part(row: Model, *, from_part: str = "") -> SqlPart:
    """Return the INSERT of a new row; as part of a statement, once for each row of `from_part`."""
    names, values = _columns_and_values(row)
    return SqlPart(_insert(type(row), tuple(names), from_part), values)


def mark_inserted(row: Model) -> None:
    """Mark a row as being in the database, as a model's own save does."""
    row._state.adding = False  # noqa: SLF001 - there is no other way to say it
    row._state.db = DEFAULT_DB_ALIAS  # noqa: SLF001 - as above


def update_part(
    model: type[Model], *, where: Mapping[str, Any], from_part: str = "", **values: Any
) -> SqlPart:
    """Return the UPDATE of the one row that matches `where`, which must include its key.

    Columns go by their fields' names; a None in `where` matches NULL. The statement returns a row
    if it changed one. As part of a statement it changes nothing unless `from_part` has a row.
    """
    matched = {name: value for name, value in where.items() if value is not None}
    nulls = tuple(set(where) - set(matched))
    statement = _update(model, tuple(values), tuple(matched), nulls, from_part)
    columns = [*values.items(), *matched.items()]
    return SqlPart(statement, [_column(model, name).bound(value) for name, value in columns])


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
def _insert(model: type[Model], names: tuple[str, ...], from_part: str) -> str:
    values = ", ".join(["%s"] * len(names))
    source = f" FROM {from_part}" if from_part else ""
    return f"INSERT INTO {_table(model)} ({', '.join(names)}) SELECT {values}{source} RETURNING 1"


@cache
def _update(
    model: type[Model],
    values: tuple[str, ...],
    matched: tuple[str, ...],
    null: tuple[str, ...],
    from_part: str,
) -> str:
    changes = ", ".join(f"{_column(model, name).name} = %s" for name in values)
    source = f" FROM {from_part}" if from_part else ""
    conditions = " AND ".join(
        [
            *(f"{_column(model, name).name} = %s" for name in matched),
            *(f"{_column(model, name).name} IS NULL" for name in null),
        ]
    )
    return f"UPDATE {_table(model)} SET {changes}{source} WHERE {conditions} RETURNING 1"  # noqa: S608 - as above


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
