"""Two roles in PostgreSQL: the owner of the tables migrates, the processes only use them.

MIGRATION_DATABASE_URL is the owner's; without it there is one role, as the tables' owner. Nothing
that serves is given it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

READ_ONLY = ("django_migrations",)

_GRANTS = """
GRANT USAGE ON SCHEMA public TO {role};
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
REVOKE UPDATE, DELETE ON {append_only} FROM {role};
REVOKE INSERT, UPDATE, DELETE ON {read_only} FROM {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
"""


@contextmanager
def as_owner() -> Iterator[None]:
    """The database as its owner, where it has one of its own. Call it outside any transaction."""
    owner = settings.MIGRATION_DATABASE
    if owner is None or owner["USER"] == connection.settings_dict["USER"]:
        yield
        return
    before = {name: connection.settings_dict[name] for name in owner}
    connection.close()
    connection.settings_dict.update(owner)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def allow_processes() -> None:
    """Let the role of DATABASE_URL use the tables, and no more; a missing role is made.

    Call it as the owner, after the migrations. Safe to run again.
    """
    processes = settings.PROCESSES_DATABASE
    role, password = str(processes["USER"]), str(processes["PASSWORD"])
    if settings.MIGRATION_DATABASE is None or settings.MIGRATION_DATABASE["USER"] == role:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            cursor.execute(_create_role(role, password))
        cursor.execute(grants_to(role))


def append_only() -> list[str]:
    """What the processes may read and add to: tables of models that say `append_only = True`."""
    return sorted(
        model._meta.db_table  # noqa: SLF001 - Django's documented API
        for model in apps.get_models()
        if getattr(model, "append_only", False)
    )


def grants_to(role: str) -> sql.Composed:
    """The statements that give a role what the processes need, and take everything else."""
    return sql.SQL(_GRANTS).format(
        role=sql.Identifier(role),
        append_only=_tables(append_only()),
        read_only=_tables(READ_ONLY),
    )


def _create_role(role: str, password: str) -> sql.Composed:
    """With the password's verifier: a failed statement is logged with its text."""
    encrypted = connection.connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    )
    return sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
        sql.Identifier(role), sql.Literal(encrypted.decode())
    )


def _tables(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in names)
