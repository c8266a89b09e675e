"""Whether requests can be admitted, as load balancers ask."""

import json

import pytest
from django.test import RequestFactory

from pictor.kit import redis_client
from pictor.web import probes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh():
    redis_client.forget_client()
    yield
    redis_client.forget_client()


def readyz() -> tuple[int, object]:
    response = probes.readyz(RequestFactory().get("/readyz"))
    return response.status_code, json.loads(response.content)


def test_a_process_whose_servers_answer_is_ready():
    assert readyz() == (200, {"status": "ok", "postgres": True, "broker": True})


def test_a_broker_that_is_away_is_named(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert readyz() == (503, {"status": "unavailable", "postgres": True, "broker": False})


def test_a_broker_that_came_back_is_believed_at_once(settings):
    redis_client.client().connection_pool.disconnect()

    assert readyz() == (200, {"status": "ok", "postgres": True, "broker": True})
