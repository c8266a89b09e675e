"""Everything outside /v1 on Django's stock handler: 8 requests at a time, small bodies only.

The stock handler gives each request a thread, and reads a whole body before any view decides
whether it wants it; pages need neither hundreds of threads nor megabytes.
"""

import asyncio

from pictor.kit.errors import RequestTooLarge
from pictor.web.edge import App, Message, Receive, Scope, Send, header
from pictor.web.gate import refuse

AT_ONCE = 8
MAX_BODY_BYTES = 8 * 1024**2


class SiteHandler:
    """The stock handler behind its limits."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        announced = header(scope, b"content-length") or b"0"
        if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
            error = RequestTooLarge(f"A form is at most {MAX_BODY_BYTES // 1024**2} MiB.")
            await refuse(error, receive, send)
            return
        taken = 0

        async def receive_capped() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            return {"type": "http.disconnect"} if taken > MAX_BODY_BYTES else message

        async with self._turns:
            await self._app(scope, receive_capped, send)
