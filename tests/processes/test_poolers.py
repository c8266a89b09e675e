"""A process checks at its start whether PostgreSQL keeps its connections' settings."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import conninfo_to_dict

from pictor.embedded.ports import free_port
from pictor.kit.database import poolers
from pictor.kit.database.poolers import what_is_not_kept
from pictor.kit.running.vital import EXIT_STATUS
from tests.stack.poolers import pooler
from tests.stack.servers import ROOT, Stack
from tests.stack.stack_processes import until

NOT_KEPT = "a connection does not keep its backend: is a pooler in transaction mode in between?"
WEB = ("pictor.processes.web",)
IMAGES = ("pictor.processes.celery_worker", "images")
SHORT = ("pictor.processes.celery_worker", "short")


@pytest.fixture
def direct(db: None) -> dict[str, Any]:
    """Connection parameters of a process; the tests' own have fewer limits."""
    ours = "statement_timeout=5000 lock_timeout=2000 idle_in_transaction_session_timeout=30000"
    return {
        **connection.get_connection_params(),
        "options": " ".join(f"-c {limit}" for limit in ours.split()),
    }


@pytest.fixture
def limited(direct: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A role with limits of its own."""
    with psycopg.connect(**direct, autocommit=True) as owner:
        owner.execute("CREATE ROLE limited LOGIN PASSWORD 'secret'")
        owner.execute("ALTER ROLE limited SET statement_timeout = '5s'")
        owner.execute("ALTER ROLE limited SET lock_timeout = '2s'")
        owner.execute("ALTER ROLE limited SET idle_in_transaction_session_timeout = '30s'")
        yield {**direct, "user": "limited", "password": "secret"}
        owner.execute("DROP ROLE limited")


def test_postgresql_itself_keeps_everything(direct):
    assert what_is_not_kept(direct) is None


@pytest.mark.parametrize("size", [1, 20])
def test_a_pooler_in_transaction_mode_is_seen_waiting_or_not(direct, size, monkeypatch):
    monkeypatch.setattr(poolers, "ANSWER_MILLISECONDS", 300)

    with pooler("transaction", direct, size=size) as port:
        assert what_is_not_kept({**direct, "port": port}) == NOT_KEPT


def test_a_pooler_in_session_mode_will_do_with_limits_on_the_role(limited):
    with pooler("session", limited) as port:
        assert what_is_not_kept({**limited, "port": port}) is None


def test_a_pooler_without_limits_on_the_role_drops_our_settings(direct):
    with pooler("session", direct) as port:
        assert what_is_not_kept({**direct, "port": port}) == (
            "statement_timeout, lock_timeout, idle_in_transaction_session_timeout is not in force:"
            " does a pooler drop it? Set it on the role"
        )


def test_only_limits_that_were_asked_for_need_be_in_force(direct):
    ours = "-c statement_timeout=0 -c jit=off -clock_timeout=3000"

    with pooler("session", direct) as port:
        assert what_is_not_kept({**direct, "port": port, "options": ours}) == (
            "lock_timeout is not in force: does a pooler drop it? Set it on the role"
        )


def test_a_pool_with_a_single_connection_is_too_small(direct, monkeypatch):
    monkeypatch.setattr(poolers, "ANSWER_MILLISECONDS", 300)

    with pooler("session", direct, size=1) as port:
        assert what_is_not_kept({**direct, "port": port}) == (
            "a second connection had no answer within 2 s: is a pooler's pool too small?"
        )


def environment(stack: Stack, port: int, folder: Path) -> dict[str, str]:
    """The environment of a process that reaches the stack's database by that port."""
    place = urlsplit(stack.env["DATABASE_URL"])
    away = place._replace(netloc=place.netloc.replace(f":{place.port}", f":{port}"))
    return {
        **os.environ,
        **stack.env,
        "DATABASE_URL": away.geturl(),
        "REDIS_URL": urlsplit(stack.env["REDIS_URL"])._replace(path="/5").geturl(),
        "PICTOR_DATA": str(folder),
        "PORT": str(free_port()),
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
    }


@pytest.mark.parametrize("command", [WEB, IMAGES, SHORT])
def test_no_process_serves_behind_one_in_transaction_mode(stack, tmp_path, command):
    of = conninfo_to_dict(stack.env["DATABASE_URL"])

    with pooler("transaction", of) as port:
        ended = subprocess.run(  # noqa: S603 - our own code
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environment(stack, port, tmp_path),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert ended.returncode == EXIT_STATUS
    assert f"this process ends: {NOT_KEPT}; see docs/operations/database.md" in ended.stderr


def test_a_worker_that_started_before_the_pooler_ends_when_it_comes(stack, tmp_path):
    port, log = free_port(), tmp_path / "worker.log"
    with log.open("wb") as output:
        worker = subprocess.Popen(  # noqa: S603 - our own code
            [sys.executable, "-m", *IMAGES],
            cwd=ROOT,
            env=environment(stack, port, tmp_path),
            stderr=output,
        )
    try:
        until(lambda: "before the database answers" in log.read_text())

        with pooler("transaction", conninfo_to_dict(stack.env["DATABASE_URL"]), port=port):
            assert worker.wait(60) == EXIT_STATUS
    finally:
        worker.kill()
        worker.wait()
    assert f"this process ends: {NOT_KEPT}" in log.read_text()
