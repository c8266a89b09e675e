"""Readiness to admit requests, for load balancers."""

import asyncio
import json

import pytest
from django.db import connection

from generation.lifecycle import lease
from generation.lifecycle.lease import LiveWorkers
from pictor.kit.redis import client as redis_client
from pictor.web import probes
from pictor.web.probes import Probes
from tests.web.conftest import body_of, call

pytestmark = pytest.mark.django_db

READY = {"status": "ok", "postgres": True, "broker": True, "image_workers": 2, "storage": True}


@pytest.fixture(autouse=True)
def fresh():
    redis_client.forget_client()
    yield
    redis_client.forget_client()


def two() -> LiveWorkers:
    return LiveWorkers(workers=2, can_store=2)


def readyz() -> object:
    return probes.readiness(two)


def test_a_process_whose_servers_answer_is_ready():
    assert readyz() == READY


def test_storage_that_fails_is_named_and_does_not_decide():
    state = probes.readiness(lambda: LiveWorkers(workers=2, can_store=1))

    assert state == {**READY, "storage": False}


def test_a_broker_that_is_away_is_named(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert readyz() == {**READY, "status": "unavailable", "broker": False}


def test_a_broker_that_came_back_is_believed_at_once(settings):
    redis_client.client().connection_pool.disconnect()

    assert readyz() == READY


@pytest.mark.parametrize(
    ("url", "answers"),
    [("redis://127.0.0.1:1/0", False), ("amqp://127.0.0.1:1//", False), (None, True)],
)
def test_a_broker_elsewhere_is_asked_too(settings, url, answers):
    settings.CELERY_BROKER_URL = url or settings.REDIS_URL.removesuffix("/1") + "/6"

    state = readyz()

    assert state == (READY if answers else {**READY, "status": "unavailable", "broker": False})


@pytest.mark.django_db(transaction=True)
def test_a_database_without_our_tables_can_admit_nothing():
    with connection.cursor() as cursor:
        cursor.execute("SET search_path TO pg_catalog")
    missing = {"status": "unavailable", "postgres": False, "image_workers": None}
    missing["storage"] = None

    assert probes.readiness(lease.live_workers) == READY | missing
    assert probes.readiness(lease.live_workers) == READY | {"image_workers": 0, "storage": None}


# --- over HTTP --------------------------------------------------------------------------------


async def never_called(scope, receive, send):
    raise AssertionError("the site was called")


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/healthz", "/healthz/", "/readyz", "/readyz/"])
async def test_a_probe_is_answered_in_front_of_the_site(pooled_connections, path):
    app = Probes(never_called, workers=two)

    exchange = await call(app, method="GET", path=path, headers={"Host": "10.0.0.7"})

    assert exchange.status == 200
    assert json.loads(exchange.body)["status"] == "ok"


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_probe_is_asked_not_told(path):
    app = Probes(never_called, workers=two)

    exchange = await call(app, path=path, messages=body_of(b"x"))

    assert (exchange.status, exchange.headers["allow"]) == (405, "GET, HEAD")
    assert json.loads(exchange.body)["error"]["code"] == "method_not_allowed"


@pytest.mark.anyio
async def test_a_missing_server_is_a_503(settings, pooled_connections):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    app = Probes(never_called, workers=two)

    exchange = await call(app, method="GET", path="/readyz")
    assert (exchange.status, exchange.headers["x-should-retry"]) == (503, "true")
    assert int(exchange.headers["retry-after"]) > 0


@pytest.mark.anyio
async def test_many_who_ask_at_once_share_one_look(pooled_connections):
    looks = []

    def counted() -> LiveWorkers:
        looks.append(1)
        return two()

    app = Probes(never_called, workers=counted)

    exchanges = await asyncio.gather(*(call(app, method="GET", path="/readyz") for _ in range(50)))

    assert ({each.status for each in exchanges}, len(looks)) == ({200}, 1)
