"""Whether requests can be admitted, as load balancers ask."""

import json

import pytest
from django.db import ProgrammingError
from django.test import RequestFactory

from pictor.kit import redis_client
from pictor.web import probes

pytestmark = pytest.mark.django_db

READY = {"status": "ok", "postgres": True, "broker": True, "image_workers": 2}


@pytest.fixture(autouse=True)
def fresh():
    redis_client.forget_client()
    yield
    redis_client.forget_client()


def readyz() -> tuple[int, object]:
    view = probes.readyz(image_workers=lambda: 2)
    response = view(RequestFactory().get("/readyz"))
    return response.status_code, json.loads(response.content)


def test_a_process_whose_servers_answer_is_ready():
    assert readyz() == (200, READY)


def test_a_broker_that_is_away_is_named(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert readyz() == (503, {**READY, "status": "unavailable", "broker": False})


def test_a_broker_that_came_back_is_believed_at_once(settings):
    redis_client.client().connection_pool.disconnect()

    assert readyz() == (200, READY)


@pytest.mark.parametrize(
    ("url", "answers"),
    [("redis://127.0.0.1:1/0", False), ("amqp://127.0.0.1:1//", False), (None, True)],
)
def test_a_broker_elsewhere_is_asked_too(settings, url, answers):
    settings.CELERY_BROKER_URL = url or settings.REDIS_URL.removesuffix("/1") + "/6"

    status, answer = readyz()

    assert (status, answer) == (
        200 if answers else 503,
        READY if answers else {**READY, "status": "unavailable", "broker": False},
    )


def test_workers_that_cannot_be_counted_are_no_reason_to_fail():
    def breaks() -> int:
        raise ProgrammingError("relation does not exist")

    response = probes.readyz(image_workers=breaks)(RequestFactory().get("/readyz"))

    assert (response.status_code, json.loads(response.content)["image_workers"]) == (200, None)
