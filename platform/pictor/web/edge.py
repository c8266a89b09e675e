"""The outermost layer: a request id on every answer, CORS on /v1, and a log line at the end.

A callback is called with each request under /v1 that was refused or replayed.

Plain ASGI, so that the body gate's refusals and the handlers' errors carry the same headers. CORS
is open to every origin, because keys are not cookies. Preflights are answered here, without a key.
"""

import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from django.conf import settings

from pictor.kit.endpoints.refused import Refused
from pictor.kit.watching import log
from pictor.kit.words import ids
from pictor.kit.words.errors import PictorError
from pictor.web.proxies import Proxies
from pictor.web.request_end import log_end

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

EXPOSED = (
    b"x-request-id, x-pictor-generation-id, x-pictor-charge, x-ratelimit-limit-requests,"
    b" x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-images,"
    b" x-ratelimit-remaining-images, x-ratelimit-reset-images, retry-after, x-should-retry,"
    b" location, idempotent-replayed, preference-applied, openai-processing-ms, deprecation,"
    b" sunset, link"
)
ON_API = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", EXPOSED),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"private, no-store"),
)
"""Headers of every answer under /v1; it is private to the key's bearer and never cached."""
PREFLIGHT_METHODS = b"GET, POST, PUT, PATCH, DELETE, OPTIONS"
NO_CONTENT = 204
LEAST_ERROR = 400
NO_ANSWER = 499
"""The logged status of a request whose caller left before its answer, as in nginx."""
UNSAID = frozenset({"/healthz", "/readyz"})
"""Paths that are neither logged nor counted, because probes ask them all day."""
_LONGEST_PATH = 200
_SAFE_HEADER_NAMES = re.compile(rb"[A-Za-z0-9\-_!#$%&'*+.^`|~, ]{0,2000}")


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return the value of the first header with this lower-case name, or None."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


def is_api(scope: Scope) -> bool:
    """True if the path is under /v1."""
    path = str(scope["path"])
    return path == "/v1" or path.startswith("/v1/")


def tell_nobody(refused: Refused) -> None:
    """Do nothing: the default callback."""


class Edge:
    """Adds `x-request-id` to every answer; on /v1 also CORS and, except on preflights, the time.

    `tell` is called after the answer, on the event loop, so it must not block.
    """

    def __init__(self, app: App, *, tell: Callable[[Refused], None] = tell_nobody) -> None:
        self._app = app
        self._tell = tell
        self._proxies = Proxies(settings.TRUSTED_PROXIES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = ids.public(ids.REQUEST, ids.new_uuid())
        scope["pictor.request_id"] = request_id
        noted = log.begin_request(request_id)
        extra = [(b"x-request-id", request_id.encode())]
        if is_api(scope):
            extra += ON_API
            if scope["method"] == "OPTIONS":
                await _answer_preflight(scope, send, extra)
                _say(scope, {"status": NO_CONTENT, "ms": 0})
                return
        scope = self._proxies.seen_through(scope)
        started = time.monotonic()
        is_refusal = False

        async def send_with_headers(message: Message) -> None:
            nonlocal is_refusal
            if message["type"] == "http.response.start":
                is_refusal = is_api(scope) and made_nothing(message)
                took = _milliseconds_since(started)
                headers = [*message.get("headers", ()), *extra]
                if is_api(scope):
                    headers.append((b"openai-processing-ms", str(took).encode()))
                noted["status"] = message["status"]
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            error = noted.pop("error", None)
            facts = {"status": NO_ANSWER, **noted, "ms": _milliseconds_since(started)}
            _say(scope, facts)
            if is_refusal:
                self._tell(_refusal_record(scope, facts, error))


def made_nothing(start: Message) -> bool:
    """True if an answer is a refusal or a replay.

    An error that names its generation is no refusal: the request made one.
    """
    names = {name for name, _ in start.get("headers", ())}
    if start["status"] >= LEAST_ERROR and b"x-pictor-generation-id" not in names:
        return True
    return b"idempotent-replayed" in names


def _refusal_record(scope: Scope, facts: dict[str, Any], error: PictorError | None) -> Refused:
    client = scope.get("client")
    refused = Refused(
        request=scope["pictor.request_id"],
        address=client[0] if client else "",
        status=facts["status"],
        ms=facts["ms"],
        **{name: facts.get(name, "") for name in ("tenant", "key", "generation", "model", "code")},
    )
    if error is None:
        return refused
    return replace(refused, param=error.param or "", message=error.message, limit=error.limit)


def _milliseconds_since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


def _say(scope: Scope, facts: dict[str, Any]) -> None:
    if scope["path"] not in UNSAID:
        path = str(scope["path"])[:_LONGEST_PATH]
        log_end("api" if is_api(scope) else "site", f"{scope['method']} {path}", facts)


async def _answer_preflight(scope: Scope, send: Send, extra: list[tuple[bytes, bytes]]) -> None:
    names = header(scope, b"access-control-request-headers") or b"*"
    # Echoed only if harmless: it goes into a header of ours.
    if not _SAFE_HEADER_NAMES.fullmatch(names):
        names = b"*"
    headers = [
        *extra,
        (b"access-control-allow-methods", PREFLIGHT_METHODS),
        (b"access-control-allow-headers", names),
        (b"access-control-max-age", b"86400"),
        (b"vary", b"Access-Control-Request-Headers"),
    ]
    await send({"type": "http.response.start", "status": NO_CONTENT, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
