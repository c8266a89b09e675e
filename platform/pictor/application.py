"""The composition root of the web process: one ASGI application, from the outside in.

edge          request id on every answer, CORS on those of /v1
pass-through  /{bucket}/… of the embedded S3 server
body gate     /v1: key first, then the body
/v1 handler   async views, no thread for a waiting request
metrics       /metrics, if it is configured
bell          /payments/stripe, where customers pay by card
probes        /healthz and /readyz
site          everything else, on Django's stock handler

The modules of web/ import no app; here they are given the apps' functions.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application

from accounts.authentication import authenticate, read_bearer
from billing.payments.provider import card_provider
from console import uploads
from generation.admission.inputs import FORMS
from generation.admission.waiting_callers import callers
from generation.api.waiting import hub
from generation.background import refusals
from generation.lifecycle import lease
from generation.oversight.figures import figures
from pictor.kit.database import poolers, pools, statement_logs
from pictor.kit.running import garbage
from pictor.kit.watching import metrics
from pictor.kit.watching.system_checks import refuse_to_serve
from pictor.kit.words import clock
from pictor.web.django_request import TolerantRequest
from pictor.web.edge import App, Edge, Receive, Scope, Send, is_api
from pictor.web.gate import BodyGate
from pictor.web.handler import V1Handler
from pictor.web.metrics import Metrics
from pictor.web.passthrough import PagesPassthrough, S3Passthrough
from pictor.web.payment_bell import PaymentBell
from pictor.web.probes import Probes
from pictor.web.site import SiteHandler
from storage import backends

ADMITTED_SECONDS = 2.0
"""The longest wait, as the process ends, for requests that are being admitted."""


class Router:
    """Passes /v1 to its own handler, and other paths to Django's."""

    def __init__(self, *, api: App, site: App) -> None:
        self._api = api
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._api if is_api(scope) else self._site
        await app(scope, receive, send)


class Lifespan:
    """Starts and stops the services of the process, and closes connections at its end."""

    def __init__(self, app: App, *, closing: Sequence[Callable[[], Awaitable[None]]]) -> None:
        self._app = app
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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
    """Look up a key and return its tenant's id. Raises the PictorError that refuses its bearer."""
    caller = await pools.views(authenticate, key, now=clock.now(), ip=ip)
    return str(caller.tenant_id)


async def sender(path: str, session: str) -> tuple[str, bool]:
    """Return the owner in whose spool share a large form counts, and whether it may hold files."""
    return await pools.views(uploads.sender, path, session)


def build() -> App:
    """Build the application by this process's settings. Raises SystemExit for bad settings."""
    refuse_to_serve()
    backends.refuse_to_serve()
    stock: Any = get_asgi_application()
    stock.request_class = TolerantRequest
    site: App = Probes(SiteHandler(stock, sender=sender), workers=lease.live_workers)
    if settings.STRIPE_SECRET_KEY:
        from billing.services.office.provider_events import ring  # noqa: PLC0415 - where cards are on

        card_provider()  # loads its library now, and not in a request
        site = PaymentBell(site, ring=ring)
    app: App = Router(
        api=BodyGate(V1Handler(), read_key=read_bearer, check_key=check_key, forms=FORMS),
        site=Metrics(
            site,
            figures=lambda: figures(now=clock.now()),
            storage=lambda: lease.live_workers().storage,
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
    if settings.EMBEDDED and settings.STRIPE_API.startswith("http:"):  # `make run CARDS=1`
        app = PagesPassthrough(app, origin=settings.STRIPE_API)
    return Lifespan(Edge(app, tell=refusals.recorder.take), closing=closing)
