"""Two roles in PostgreSQL: the tables' owner migrates, and the processes only use the tables.

MIGRATION_DATABASE_URL is the owner's; no serving process gets it. Without it, one role does both.
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
    """Connect as the tables' owner, if that is another role. Call outside any transaction."""
    owner = settings.MIGRATION_DATABASE
    if owner is None or owner["USER"] == connection.settings_dict["USER"]:
        yield
        return
    before = {name: connection.settings_dict[name] for name in owner}
    connection.close()  # the next statement connects as the owner
    connection.settings_dict.update(owner)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def allow_processes() -> None:
    """Grant the role of DATABASE_URL use of the tables and nothing else; create it if missing.

    Call it as the owner, after the migrations. It is safe to repeat.
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
    """Return the tables of models with `append_only = True`: processes may read and insert."""
    return sorted(
        model._meta.db_table  # noqa: SLF001 - Django's documented API
        for model in apps.get_models()
        if getattr(model, "append_only", False)
    )


def grants_to(role: str) -> sql.Composed:
    """Return the statements that grant a role what processes need and revoke everything else."""
    return sql.SQL(_GRANTS).format(
        role=sql.Identifier(role),
        append_only=_tables(append_only()),
        read_only=_tables(READ_ONLY),
    )


def _create_role(role: str, password: str) -> sql.Composed:
    """Build CREATE ROLE with the password's verifier, since a failed statement's text is logged."""
    encrypted = connection.connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    )
    return sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
        sql.Identifier(role), sql.Literal(encrypted.decode())
    )


def _tables(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in names)
