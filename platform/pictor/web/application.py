"""The web process as one ASGI application, from the outside in.

edge          request id and CORS on every answer
pass-through  /{bucket}/… of the embedded S3 server
body gate     /v1: key first, then the body
/v1 handler   async views, no thread per waiter; everything else Django's stock handler
"""

from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application

from generation.api.waiting import hub
from pictor.kit.checks import refuse_without_secrets
from pictor.web.edge import App, Edge, Receive, Scope, Send, is_api
from pictor.web.gate import BodyGate
from pictor.web.handler import V1Handler
from pictor.web.passthrough import S3Passthrough
from pictor.web.site import SiteHandler


class Router:
    """/v1 to its own handler, the rest to Django's; starts and stops the waiting hub."""

    def __init__(self, *, api: App, site: App) -> None:
        self._api = api
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            app = self._api if is_api(scope) else self._site
            await app(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await hub.start()
            await send({"type": "lifespan.startup.complete"})
        else:
            await hub.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


def build() -> App:
    """The application of this process's settings."""
    refuse_without_secrets()
    stock: Any = get_asgi_application()
    app: App = Router(api=BodyGate(V1Handler()), site=SiteHandler(stock))
    if settings.S3_PASSTHROUGH:
        app = S3Passthrough(app, endpoint_url=settings.S3_ENDPOINT_URL, bucket=settings.S3_BUCKET)
    return Edge(app)
