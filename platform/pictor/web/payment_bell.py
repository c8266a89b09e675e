"""/payments/stripe: the payment provider posts events here, which are kept and no more.

It is answered in front of the site, with and without a last slash, under any Host and by plain http
too: a redirect is no answer to the provider. What the bell cannot take is pulled within a minute.
"""

from collections.abc import Callable, Mapping

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from pictor.kit.database import pools
from pictor.kit.words.errors import (
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PictorError,
    RequestTooLarge,
    Unavailable,
)
from pictor.web.body_reading import ClientGone, chunks, content_length
from pictor.web.edge import App, Receive, Scope, Send
from pictor.web.gate import refuse

PATH = "/payments/stripe"
MAX_BYTES = 256 * 1024
MOST_AT_ONCE = 64
"""Anybody may ring, so that this many bodies at most are in memory."""

Ring = Callable[[bytes, Mapping[str, str]], None]
"""Keeps an event. Raises ValueError if it is not the provider's, or too old."""


class PaymentBell:
    """Takes the provider's events and passes other requests on."""

    def __init__(self, app: App, *, ring: Ring) -> None:
        self._app = app
        self._ring = ring
        self._ringing = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["path"]).removesuffix("/") != PATH:
            await self._app(scope, receive, send)
            return
        self._ringing += 1
        try:
            await self._take(scope, receive)
        except ClientGone:
            return
        except PictorError as error:
            await refuse(error, receive, send)
            return
        finally:
            self._ringing -= 1
        headers = [(b"content-length", b"0"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _take(self, scope: Scope, receive: Receive) -> None:
        """Keep an event. Raises the PictorError that refuses it, or ClientGone."""
        if not settings.STRIPE_WEBHOOK_SECRETS:
            raise NotFound("There is nothing at this address.")
        if scope["method"] != "POST":
            error = MethodNotAllowed("This address takes POST.")
            error.headers["allow"] = "POST"
            raise error
        if self._ringing > MOST_AT_ONCE:
            raise Unavailable("Too many events at once.")
        if content_length(scope) > MAX_BYTES:
            raise _too_large()
        body = b"".join(
            [part async for part in chunks(receive, max_bytes=MAX_BYTES, too_large=_too_large)]
        )
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        try:
            await pools.bell(self._ring, body, headers)
        except ValueError:
            raise InvalidRequest("This is no event of the provider's.") from None
        except (DatabaseError, InterfaceError):
            raise Unavailable("The event was not kept. Send it again.") from None


def _too_large() -> PictorError:
    return RequestTooLarge(f"The body must have at most {MAX_BYTES} bytes.")
