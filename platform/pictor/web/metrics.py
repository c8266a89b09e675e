"""/metrics for Prometheus: the figures of the whole installation, from any web process.

It exists if PICTOR_METRICS_TOKEN or PICTOR_METRICS_NETWORKS is set; if both are, a reader needs
both. Without a token it does not exist for requests through an unknown proxy, whose own address may
be inside while its callers are not. It is answered in front of the site, as the probes are.
"""

import asyncio
import hmac
import ipaddress
import time
from collections.abc import Callable, Iterable

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http.request import split_domain_port, validate_host
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.core import GaugeMetricFamily, Metric

from pictor.kit.database import pools
from pictor.kit.watching import metrics
from pictor.kit.words.client_addresses import is_own_address
from pictor.kit.words.errors import Forbidden, MethodNotAllowed, PictorError, Unauthenticated
from pictor.web.edge import App, Receive, Scope, Send, header
from pictor.web.gate import refuse

PATH = "/metrics"
Figures = Callable[[], Iterable[Metric]]


class WrongToken(Unauthenticated):
    """The token is missing or wrong."""

    default_code = "invalid_token"


class NotShown(Forbidden):
    """This address or host name may not read them."""


class Metrics:
    """Answers scrapes and passes other requests on.

    Args:
        app: the application for other requests.
        figures: reads the installation's figures from the database.
        storage: returns whether image workers can store images; None if none is at work.
    """

    def __init__(self, app: App, *, figures: Figures, storage: Callable[[], bool | None]) -> None:
        self._app = app
        self._figures = figures
        self._storage = storage
        self._looking: asyncio.Task[bytes] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["path"]).removesuffix("/") != PATH or not _is_there(scope):
            await self._app(scope, receive, send)
            return
        try:
            _check(scope)
        except PictorError as error:
            await refuse(error, receive, send)
            return
        body = await self._page()
        headers = [
            (b"content-type", CONTENT_TYPE_PLAIN_0_0_4.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        sent = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": sent})

    async def _page(self) -> bytes:
        """Return the page; simultaneous readers share one."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(pools.figures(page, self._figures, self._storage))
        return await asyncio.shield(self._looking)  # other readers wait for the same page


def page(figures: Figures, storage: Callable[[], bool | None]) -> bytes:
    """Return the document, without the database's figures while it is away."""
    began = time.perf_counter()
    texts, has_redis = metrics.gather()
    has_postgres = True
    has_s3: bool | None = None
    try:
        texts.append(metrics.render(figures()))
        has_s3 = storage()
    except (DatabaseError, InterfaceError):
        has_postgres = False
    up = GaugeMetricFamily(
        "pictor_server_up", "1 where it answered, and s3 takes images.", labels=["server"]
    )
    up.add_metric(["postgres"], has_postgres)
    up.add_metric(["redis"], has_redis)
    if has_s3 is not None:
        up.add_metric(["s3"], has_s3)
    took = time.perf_counter() - began
    cost = GaugeMetricFamily("pictor_scrape_seconds", "What this scrape took.", value=took)
    return metrics.join([*texts, metrics.render([up, cost])])


def _is_there(scope: Scope) -> bool:
    return bool(settings.METRICS and (settings.METRICS_TOKEN or is_own_address(scope)))


def _check(scope: Scope) -> None:
    """Raise a PictorError unless the reader may read the metrics."""
    if scope["method"] not in {"GET", "HEAD"}:
        error = MethodNotAllowed("This address does not support that method.")
        error.headers["allow"] = "GET, HEAD"
        raise error
    if settings.METRICS_NETWORKS and not _is_inside(scope):
        raise NotShown("Metrics are not shown to this address.")
    if settings.METRICS_TOKEN:
        given = (header(scope, b"authorization") or b"").strip()
        wanted = f"Bearer {settings.METRICS_TOKEN}".encode()
        if not hmac.compare_digest(given, wanted):
            raise WrongToken("Metrics require their token.")
    elif not _is_known(header(scope, b"host")):
        # DNS rebinding: a browser inside could be led here by a foreign name that points to us.
        raise NotShown("Metrics are not shown under this name.")


def _is_inside(scope: Scope) -> bool:
    client = scope.get("client")
    try:
        address = ipaddress.ip_address(client[0] if client else "")
    except ValueError:
        return False
    return any(address in network for network in settings.METRICS_NETWORKS)


def _is_known(host: bytes | None) -> bool:
    """True if a Host header is an address or one of our names."""
    name, _ = split_domain_port((host or b"").decode("latin-1"))
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return bool(name) and validate_host(name, settings.ALLOWED_HOSTS)
    return True
