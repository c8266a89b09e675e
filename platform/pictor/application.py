"""The composition root of the web process: one ASGI application, from the outside in.

edge          request id on every answer, CORS on those of /v1
pass-through  /{bucket}/… of the embedded S3 server
body gate     /v1: key first, then the body
/v1 handler   async views, no thread per waiter
metrics       /metrics, where it is wanted
probes        /healthz and /readyz
site          everything else, on Django's stock handler

What is in web/ knows no app; here it is handed what it needs of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application

from accounts.authentication import authenticate, read_bearer
from console import uploads
from generation.admission.inputs import FORM_LIMITS, FORM_PATHS
from generation.admission.waiting_callers import callers
from generation.api.waiting import hub
from generation.lifecycle import lease
from generation.oversight import refusals
from generation.oversight.figures import figures
from pictor.kit.database import poolers, pools, statement_logs
from pictor.kit.running import garbage
from pictor.kit.watching import metrics
from pictor.kit.watching.system_checks import refuse_to_serve
from pictor.kit.words import clock
from pictor.web.edge import App, Edge, Receive, Scope, Send, is_api
from pictor.web.form_reading import FormPaths
from pictor.web.gate import BodyGate
from pictor.web.handler import V1Handler
from pictor.web.metrics import Metrics
from pictor.web.passthrough import S3Passthrough
from pictor.web.probes import Probes
from pictor.web.site import SiteHandler
from storage import backends

ADMITTED_SECONDS = 2.0
"""How long the end of the process waits for those who are being admitted."""


class Router:
    """/v1 to its own handler, the rest to Django's."""

    def __init__(self, *, api: App, site: App) -> None:
        self._api = api
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        app = self._api if is_api(scope) else self._site
        await app(scope, receive, send)


class Lifespan:
    """Starts and stops what lives as long as the process, and closes what was opened."""

    def __init__(self, app: App, *, closing: Sequence[Callable[[], Awaitable[None]]]) -> None:
        self._app = app
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] == "http":
            await self._app(scope, receive, send)
        elif scope["type"] == "lifespan":
            await receive()
            poolers.make_sure()
            statement_logs.look_once()
            await hub.start()
            await callers.start()
            await refusals.recorder.start()
            if settings.METRICS:
                metrics.start("web")
            garbage.keep_what_is_there()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await asyncio.to_thread(metrics.stop)
            await hub.stop()
            await pools.admission().finish(within_seconds=ADMITTED_SECONDS)
            await callers.stop()
            await refusals.recorder.stop()
            for close in self._closing:
                await close()
            await send({"type": "lifespan.shutdown.complete"})


async def check_key(key: str, ip: str | None) -> str:
    """Look a key up: its tenant's id. Raises the PictorError that refuses its bearer."""
    caller = await pools.views(authenticate, key, now=clock.now(), ip=ip)
    return str(caller.tenant_id)


async def sender(path: str, session: str) -> tuple[str, bool]:
    """Whose share of the spool budget a large form takes, and whether it may hold files."""
    return await pools.views(uploads.sender, path, session)


def build() -> App:
    """The application of this process's settings."""
    refuse_to_serve()
    backends.refuse_to_serve()
    stock: Any = get_asgi_application()
    forms = FormPaths(FORM_PATHS, FORM_LIMITS)
    site = Probes(SiteHandler(stock, sender=sender), workers=lease.alive)
    app: App = Router(
        api=BodyGate(V1Handler(), read_key=read_bearer, check_key=check_key, forms=forms),
        site=Metrics(
            site,
            figures=lambda: figures(now=clock.now()),
            storage=lambda: lease.alive().storage,
        ),
    )
    closing: list[Callable[[], Awaitable[None]]] = []
    if settings.S3_PASSTHROUGH:
        app = passthrough = S3Passthrough(
            app,
            endpoint_url=settings.S3_ENDPOINT_URL,
            bucket=settings.S3_BUCKET,
            ca_bundle=settings.S3_CA_BUNDLE,
        )
        closing.append(passthrough.aclose)
    return Lifespan(Edge(app, tell=refusals.recorder.take), closing=closing)
