"""Fixtures for tests of any folder: the asyncio backend, pools, pages."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.test import TransactionTestCase
from hypothesis import HealthCheck, settings

from accounts.rates import on_redis as shared
from generation.lifecycle import notify
from pictor.kit.database import pools, prepared
from pictor.kit.database.pools import Pool
from pictor.kit.redis import cache
from tests.stack.databases import empty

pytest_plugins = ["tests.stack.running", "tests.fakes.card_provider"]

# How long an example takes to draw or to run tells of the machine, not of the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Copy the server's own database, which has been migrated if `-n` is given."""
    connection.settings_dict["TEST"]["TEMPLATE"] = connection.settings_dict["NAME"]


@pytest.fixture(autouse=True)
def failures_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the pause in which a process avoids a Redis or a broker that failed.

    A test that met such a failure must not leave it to the next one in its process.
    """
    for pause in (notify._QUIET, shared._AWAY, cache._AWAY):  # noqa: SLF001 - of this process
        monkeypatch.setattr(pause, "_until", 0.0)


@pytest.fixture(scope="session", autouse=True)
def one_tls_context() -> Iterator[None]:
    """Share one TLS context: each httpx client reads all authorities anew, which takes 20 ms.

    Clients with TLS options of their own get a context of their own.
    """
    shared, make = httpx.create_ssl_context(), httpx.create_ssl_context

    def context(**asked: Any) -> Any:
        is_plain = asked["verify"] is True and asked["cert"] is None
        return shared if is_plain else make(**asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", context)
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_emptying() -> Iterator[None]:
    """Empty the database after a test with transactions of its own, and do no more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: empty())
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """A password hash a million times quicker than the stack's quarter of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1)
        yield


@pytest.fixture
def pooled_connections(transactional_db: None) -> Iterator[None]:
    """A database for loops and for the fixed pools' threads; its connections end with the test."""
    every = (pools.views, pools.removals, pools.probes, pools.figures, pools.bell, pools.database)
    yield
    asyncio.run(_close_all(every))


async def _close_all(every: Iterable[Pool]) -> None:
    for pool in every:
        barrier = threading.Barrier(pool.count)
        closed = (pool(_close, barrier) for _ in range(pool.count))
        await asyncio.wait_for(asyncio.gather(*closed), 10)


def _close(barrier: threading.Barrier) -> None:
    barrier.wait(10)  # so each of the pool's threads gets exactly one
    connection.close()


@pytest.fixture
def patient_connections() -> Iterator[None]:
    """Let new connections wait for locks without a time limit.

    In production a call that waited 2 s for one is refused, and loses nothing. The result of many
    at once must not depend on how long a thread is kept from the CPU.
    """

    def wait(connection: BaseDatabaseWrapper, **_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0; SET statement_timeout = '60s'")

    connection_created.connect(wait)
    yield
    connection_created.disconnect(wait)


@pytest.fixture
def plain_static_files(settings):
    """Serve pages without the manifest of hashed files, for tests of the pages themselves."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "whitenoise" not in name]


@pytest.fixture
def prepared_statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Statements prepared from now on; Django does not count them."""
    run: list[str] = []
    executed = prepared._executed  # noqa: SLF001 - every way to run one leads there

    def noted(statement: str, values: Any) -> Any:
        run.append(statement)
        return executed(statement, values)

    monkeypatch.setattr(prepared, "_executed", noted)
    return run
