"""Django's request handling for /v1, without a thread for each waiting request.

The stock ASGI handler keeps an operating-system thread for each waiting request, because of sync
middleware, request signals and the closing of responses: 800 waiters were measured at 802 threads.
Here no middleware is sync, no signal is sent and nothing is closed in a thread. Database
connections, which the signals would manage, belong to the fixed pools (kit/database/pools.py).
"""

import asyncio
import functools
import io
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import ResolverMatch, get_resolver
from typing_extensions import override

from pictor.kit.endpoints import errors as api_errors
from pictor.kit.words.errors import Unavailable
from pictor.web.django_request import TolerantRequest
from pictor.web.edge import Message, Receive, Scope, Send

STOPPING = Unavailable(
    "The service is restarting. If generation began, it goes on: an SDK's own retry finds it, and"
    " so does the same Idempotency-Key. Without either, check GET /v1/images/generations before"
    " you send the request again: that would start, and charge, a second image.",
    retry_after=2,
)
"""`x-should-retry` is for SDKs: their retries are marked as such and find the generation."""


class V1Handler(ASGIHandler):
    """Serves only async views; the gate has already read the body."""

    request_class = TolerantRequest

    @override
    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        get_response = self._get_response_async  # type: ignore[attr-defined]  # not in the stubs
        self._middleware_chain = errors_as_json(get_response)

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]  # the stubs' messages are read-only mappings
        """Answer a request. A client's departure ends the wait, never the generation."""
        scope["pictor.on_end"] = []
        has_begun = is_whole = is_stopping = False

        async def send_noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        answering = cast("asyncio.Task[None]", asyncio.current_task())
        leaving = asyncio.create_task(_wait_for_disconnect(receive))
        leaving.add_done_callback(functools.partial(_end, answering))
        try:
            await self._answer(scope, send_noting)
            is_whole = not leaving.done()  # a client that has left may lack a part
        except asyncio.CancelledError:
            if not answering.cancelling():  # something else was cancelled, which the view awaited
                raise
            if leaving.done() and not leaving.cancelled():
                answering.uncancel()  # the cancellation was ours, and ends here
            else:  # the server stops, and its grace period is over
                is_stopping = True
        finally:
            leaving.cancel()
            for ended in scope["pictor.on_end"]:
                ended(is_whole)
        if is_stopping and not has_begun:
            await _send(api_errors.response_of(STOPPING), send, {})

    @override
    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Resolve by the URL map of /v1, without keeping the match on a long-waiting request."""
        return get_resolver(settings.API_URLCONF).resolve(request.path_info)

    async def _answer(self, scope: Scope, send: Send) -> None:
        request, refusal = self.create_request(scope, io.BytesIO(b""))
        scope["pictor.headers"] = {}
        response = refusal if request is None else await self._middleware_chain(request)
        if response is not None:
            await _send(response, send, scope["pictor.headers"])


def _end(answering: asyncio.Task[None], leaving: asyncio.Task[None]) -> None:
    """Cancel the answer, since the client has gone; not if `leaving` ended after an answer."""
    if not leaving.cancelled():
        leaving.exception()  # read, or asyncio logs it
        answering.cancel()


def errors_as_json(
    get_response: Callable[[ASGIRequest], Awaitable[HttpResponseBase]],
) -> Callable[[ASGIRequest], Awaitable[HttpResponseBase]]:
    """Turn every exception into an error in OpenAI's shape: the only middleware."""

    async def answer(request: ASGIRequest) -> HttpResponseBase:
        try:
            return await get_response(request)
        except Exception as error:  # noqa: BLE001 - the last resort, which logs unexpected errors
            return api_errors.response_of(api_errors.as_pictor_error(error))

    return answer


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(response: HttpResponseBase, send: Send, found_out: Mapping[str, str]) -> None:
    """Send a response with the headers collected on the way; the response's own take priority."""
    headers = {name.lower(): value for name, value in response.items()}
    for name, value in found_out.items():
        headers.setdefault(name.lower(), value)
    if isinstance(response, HttpResponse):
        headers.setdefault("content-length", str(len(response.content)))
    sent = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": sent})
    if isinstance(response, HttpResponse):
        await send({"type": "http.response.body", "body": response.content})
        return
    async for chunk in response:  # type: ignore[attr-defined]  # StreamingHttpResponse, async
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
