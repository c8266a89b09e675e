"""A container's health check of its process."""

import socket
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from redis import Redis
from typing_extensions import override

from pictor.embedded.ports import free_port
from pictor.kit.redis import client as redis_client
from pictor.processes.health import main
from tests.fakes.serving import serving

POSTED = "it has posted no metrics for 15 s"


@pytest.fixture
def redis(settings):
    settings.METRICS = True
    client = redis_client.client()
    yield client
    client.delete("pictor:metrics", *client.keys("pictor:metrics:*"))


def post(client: Redis, name: str) -> None:
    client.sadd("pictor:metrics", name)
    client.set(f"pictor:metrics:{name}", "{}", ex=15)


@pytest.mark.parametrize("role", ["images", "short"])
def test_a_worker_is_well_while_it_posts_its_figures(redis, role):
    name = f"{role}@{socket.gethostname()}:7"
    post(redis, name)
    assert main([role]) == 0

    redis.delete(f"pictor:metrics:{name}")

    assert main([role]) == POSTED


def test_another_host_or_another_role_says_nothing_of_this_one(redis):
    post(redis, "images@elsewhere:7")
    post(redis, f"short@{socket.gethostname()}:7")

    assert main(["images"]) == POSTED


def test_a_worker_without_metrics_says_what_is_missing(settings):
    settings.METRICS = False

    assert main(["short"]) == ("workers report only if PICTOR_METRICS_TOKEN or _NETWORKS is set")


def test_the_health_check_says_that_redis_does_not_answer(settings):
    settings.METRICS, settings.REDIS_URL = True, f"redis://127.0.0.1:{free_port()}/0"
    redis_client.forget_client()

    said = main(["images"])

    redis_client.forget_client()
    assert str(said).startswith("Redis does not answer: ")


class Web(BaseHTTPRequestHandler):
    """Answers only its probe."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    @override
    def log_message(self, *_: Any) -> None:
        pass


def test_a_web_process_is_well_while_it_answers(monkeypatch):
    with serving(Web) as port:
        monkeypatch.setenv("PORT", str(port))
        well = main(["web"])

    assert well == 0
    assert main(["web"]) == "it does not answer"


@pytest.mark.parametrize("arguments", [[], ["worker"], ["web", "short"]])
def test_anything_else_is_answered_with_its_usage(arguments):
    assert main(arguments) == "usage: pictor health web|images|short"
