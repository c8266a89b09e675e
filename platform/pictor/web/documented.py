"""Descriptions of the endpoints in front of the site for the OpenAPI document.

These are not real views: web/probes.py and web/metrics.py answer, and the methods here are never
called. The document takes their docstrings, and the objects that render the answers.
"""

from typing import Any

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from rest_framework.views import APIView

from pictor.kit.endpoints.documents import described_in_front, retry_headers
from pictor.kit.words.errors import NotFound
from pictor.web import metrics
from pictor.web.probes import HEALTH, READINESS, HealthObject, ReadinessObject, UnreadyObject


class _Health(APIView):
    @described_in_front(
        "check_health", summary="Is the process alive?", answers={200: HealthObject}
    )
    def get(self) -> None:
        """The process answers, whether or not its dependencies do."""


class _Readiness(APIView):
    @described_in_front(
        "check_readiness",
        summary="Is it ready?",
        answers={200: ReadinessObject, 503: UnreadyObject},
        headers=retry_headers([503]),
    )
    def get(self) -> None:
        """Whether PostgreSQL, Redis and the broker answer.

        The process is ready without image workers, too: admitted requests wait for the next one.
        """


class _Metrics(APIView):
    @described_in_front(
        "read_metrics",
        summary="Read the metrics",
        page=CONTENT_TYPE_PLAIN_0_0_4.partition(";")[0],
        errors=[metrics.WrongToken, metrics.NotShown, NotFound],
        security=[{"metricsToken": []}, {}],
    )
    def get(self) -> None:
        """The metrics of the whole installation, in Prometheus' format.

        The operator must set a token, or networks that may read them.
        """


def with_probes(endpoints: list[Any]) -> list[Any]:
    """Add these endpoints to those of the URL map (a drf-spectacular hook)."""
    front = {HEALTH: _Health, READINESS: _Readiness, metrics.PATH: _Metrics}
    return [
        *endpoints,
        *((path, path, "GET", view.as_view()) for path, view in front.items()),
    ]
