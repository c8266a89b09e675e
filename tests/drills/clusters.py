"""PostgreSQL clusters of a drill: the embedded server's binaries with production settings."""

import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pictor.embedded.part import StackPart
from pictor.embedded.ports import free_port
from pictor.embedded.postgres import DATABASE, Postgres
from pictor.embedded.postgres_place import find_place
from pictor.embedded.process import Command
from tests.stack.databases import run_tool


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster on a port of its own."""

    name: str
    server: Postgres
    settings: tuple[str, ...] = ()
    """NAME=VALUE each, besides those of the embedded server."""

    @property
    def url(self) -> str:
        """For DATABASE_URL."""
        return self.server.url

    @property
    def owner_url(self) -> str:
        """For MIGRATION_DATABASE_URL: the owner, who is the cluster's superuser."""
        return self.server.owner_url

    def part(self) -> StackPart:
        """The server as a part."""
        return replace(self.server.part(), name=self.name, command=self._command)

    def connection(self) -> "psycopg.Connection[Any]":
        """A connection of the owner."""
        return psycopg.connect(self.owner_url, autocommit=True)

    def dump(self) -> bytes:
        """Run `pg_dump -Fc` as the owner."""
        return run_tool("pg_dump", "-Fc", of=parameters(self.owner_url))

    def restore(self, dump: bytes) -> None:
        """Bring a dump back into the empty database, as docs/operations/backup.md says."""
        words = ("--exit-on-error", "-d", DATABASE)
        run_tool("pg_restore", *words, of=parameters(self.owner_url), given=dump)

    def _command(self) -> Command:
        command = self.server.part().command()
        more = tuple(f"-c{setting}" for setting in self.settings)
        return replace(command, argv=(*command.argv, *more))


def parameters(url: str) -> dict[str, Any]:
    """Host, port, user, password and database of a url, as tests.stack.poolers takes them."""
    return {name: str(value) for name, value in conninfo_to_dict(url).items()}


def new_cluster(folder: Path, name: str, *settings: str) -> Cluster:
    """A cluster with an empty database; its server does not run yet."""
    made = _cluster(folder, name, secrets.token_urlsafe(24), secrets.token_urlsafe(24), settings)
    made.server.create()
    return made


def standby_of(primary: Cluster, folder: Path, name: str) -> Cluster:
    """A copy of a running cluster that follows it under its own name once started."""
    passwords = primary.server.owner_password, primary.server.processes_password
    made = _cluster(folder, name, *passwords, ())
    home, account = made.server.place.cluster, made.server.place.account
    follow = f"--dbname=application_name={name}"
    run_tool(
        *("pg_basebackup", "-D", str(home), "-R", "--checkpoint=fast", follow),
        of=parameters(primary.owner_url),
    )
    if account:
        for path in (home, *home.rglob("*")):
            os.chown(path, account.uid, account.gid)
    return made


def _cluster(
    folder: Path, name: str, owner: str, processes: str, settings: tuple[str, ...]
) -> Cluster:
    data = folder / name
    data.mkdir()
    data.chmod(0o711)  # PostgreSQL's account must get in
    server = Postgres(
        place=find_place(data),
        port=free_port(),
        owner_password=owner,
        processes_password=processes,
    )
    return Cluster(name=name, server=server, settings=settings)
