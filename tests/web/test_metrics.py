"""Access to /metrics, and its figures while a server is away."""

import asyncio
import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families

from pictor.kit.redis import client as redis_client
from pictor.kit.watching import metrics
from pictor.web.edge import Edge
from pictor.web.metrics import Figures, Metrics
from tests.web.conftest import Exchange, body_of, call

pytestmark = pytest.mark.anyio

TOKEN = "k7Jq2-a-token-of-some-length"
HERE = ipaddress.ip_network("203.0.113.0/24")
"""The network of these tests' callers."""
ELSEWHERE = ipaddress.ip_network("10.0.0.0/8")


async def site(scope, receive, send):
    """Answer 404, as the site does where metrics are off."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def some_figures() -> Iterator[Metric]:
    yield GaugeMetricFamily("pictor_some_figure", "It says 3.", value=3)


@pytest.fixture(autouse=True)
def shown(settings, pooled_connections):
    """Metrics, readable with the token."""
    settings.METRICS, settings.METRICS_TOKEN, settings.METRICS_NETWORKS = True, TOKEN, []
    redis_client.forget_client()
    yield
    redis_client.forget_client()


async def scrape(
    figures: Figures = some_figures, *, storage: bool | None = True, **options: Any
) -> Exchange:
    options.setdefault("headers", {"Authorization": f"Bearer {TOKEN}"})
    app = Metrics(site, figures=figures, storage=lambda: storage)
    return await call(app, **{"method": "GET", "path": "/metrics", **options})


def values(exchange: Exchange) -> dict[str, float]:
    """Values by name and the label `server`."""
    return {
        sample.name + sample.labels.get("server", ""): sample.value
        for family in text_string_to_metric_families(exchange.body.decode())
        for sample in family.samples
        if sample.name.startswith("pictor_s")
    }


@pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
async def test_metrics_are_not_found_where_nobody_may_read_them(settings, path):
    settings.METRICS = False

    assert (await scrape(path=path)).status == 404


@pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
async def test_the_token_opens_them_under_any_name(path):
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "no-name-of-ours.example"}

    exchange = await scrape(path=path, headers=headers)

    assert exchange.status == 200
    assert values(exchange)["pictor_some_figure"] == 3


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer ü"},
    ],
)
async def test_without_the_token_they_are_refused(headers):
    exchange = await scrape(headers=headers)

    assert (exchange.status, exchange.headers["www-authenticate"]) == (401, "Bearer")
    assert b"pictor_" not in exchange.body


@pytest.mark.parametrize(
    ("networks", "token", "given", "status"),
    [
        ([HERE], "", "", 200),
        ([ELSEWHERE, HERE], "", "", 200),
        ([ELSEWHERE], "", "", 403),
        ([ELSEWHERE], TOKEN, TOKEN, 403),
        ([HERE], TOKEN, "", 401),
        ([HERE], TOKEN, TOKEN, 200),
    ],
    ids=["inside", "in one of two", "outside", "outside with it", "inside without", "both"],
)
async def test_networks_and_token_are_both_asked_for(settings, networks, token, given, status):
    settings.METRICS_NETWORKS, settings.METRICS_TOKEN = networks, token
    headers = {"Host": "localhost:8000"} | ({"Authorization": f"Bearer {given}"} if given else {})

    assert (await scrape(headers=headers)).status == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("10.1.2.3", 200),
        ("LOCALHOST:8000", 200),
        ("rebound.example:8000", 403),
        ("127.0.0.1.rebound.example", 403),
        ("", 403),
    ],
)
async def test_a_browser_inside_cannot_be_led_to_them_by_a_strange_name(settings, host, status):
    settings.METRICS_NETWORKS, settings.METRICS_TOKEN = [HERE], ""

    assert (await scrape(headers={"Host": host})).status == status


@pytest.mark.parametrize(
    ("name", "proxies", "token", "status"),
    [
        ("X-Forwarded-For", [], "", 404),
        ("X-Forwarded-Proto", [], "", 404),
        ("Forwarded", [], "", 404),
        ("Via", [], "", 404),
        ("X-Real-IP", [], "", 404),
        ("X-Forwarded-Proto", [ipaddress.ip_network("203.0.113.9")], "", 200),
        ("X-Forwarded-For", [], TOKEN, 200),
    ],
    ids=[
        "a chain",
        "a scheme",
        "the standard's header",
        "a hop",
        "an address",
        "our proxy",
        "a token",
    ],
)
async def test_a_proxy_that_nobody_told_us_of_does_not_publish_them(
    settings, name, proxies, token, status
):
    settings.METRICS_NETWORKS, settings.METRICS_TOKEN = [HERE], token
    settings.TRUSTED_PROXIES = proxies
    headers = {"Host": "localhost", "Authorization": f"Bearer {TOKEN}", name: "https"}
    app = Edge(Metrics(site, figures=some_figures, storage=lambda: True))

    exchange = await call(app, method="GET", path="/metrics", headers=headers)

    assert exchange.status == status


async def test_metrics_answer_only_get_and_head():
    exchange = await scrape(method="POST", messages=body_of(b"x"))

    assert (exchange.status, exchange.headers["allow"]) == (405, "GET, HEAD")


async def test_asked_for_the_head_there_is_no_body():
    exchange = await scrape(method="HEAD")

    assert (exchange.status, exchange.body) == (200, b"")
    assert int(exchange.headers["content-length"]) > 0


async def test_the_databases_figures_are_left_out_while_it_is_away():
    def away():
        yield from some_figures()
        raise OperationalError("the connection was lost")

    found = values(await scrape(away))

    assert found.pop("pictor_scrape_seconds") > 0
    assert found["pictor_server_uppostgres"] == 0
    assert found["pictor_server_upredis"] == 1
    assert "pictor_some_figure" not in found


@pytest.mark.parametrize(("storage", "up"), [(True, 1), (False, 0), (None, None)])
async def test_the_storage_figure_comes_from_a_worker_that_knows(storage, up):
    assert values(await scrape(storage=storage)).get("pictor_server_ups3") == up


async def test_without_redis_there_are_still_the_figures_of_this_process(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    exchange = await scrape()

    assert values(exchange)["pictor_server_upredis"] == 0
    assert b"process_resident_memory_bytes{" in exchange.body


async def test_many_who_ask_at_once_share_one_look():
    looks = []

    def counted():
        looks.append(1)
        return some_figures()

    app = Metrics(site, figures=counted, storage=lambda: True)
    asked = {"method": "GET", "path": "/metrics", "headers": {"Authorization": f"Bearer {TOKEN}"}}

    exchanges = await asyncio.gather(*(call(app, **asked) for _ in range(20)))

    assert ({each.status for each in exchanges}, len(looks)) == ({200}, 1)


def test_the_figures_of_several_processes_are_one_document():
    one, other = GaugeMetricFamily("x", "An x."), GaugeMetricFamily("x", "An x.")
    one.add_metric([], 1)
    other.add_metric([], 2)

    document = metrics.join(
        [metrics.render([one], process="a"), metrics.render([other], process="b")]
    )

    assert document.decode().splitlines() == [
        "# HELP x An x.",
        "# TYPE x gauge",
        'x{process="a"} 1.0',
        'x{process="b"} 2.0',
    ]
