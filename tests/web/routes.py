"""A URL map of views that fail, wait and stream, for tests of the /v1 handler."""

import asyncio
from collections.abc import AsyncIterator

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import path

from pictor.kit.words.errors import InsufficientQuota
from pictor.urls import not_found

ERRORS: dict[str, Exception] = {
    "quota": InsufficientQuota("Not enough."),
    "unforeseen": ZeroDivisionError("a secret detail"),
}
became: list[str] = []
"""Steps of the waiting view, and the end reported to `on_end`."""


async def hello(request: HttpRequest) -> HttpResponseBase:
    return HttpResponse("hello", headers={"X-Own": "view"})


async def headed(request: HttpRequest) -> HttpResponseBase:
    request.scope["pictor.headers"].update({"X-Own": "scope", "X-Rate": "7"})  # type: ignore[attr-defined] # an ASGIRequest
    return await hello(request)


async def fails(request: HttpRequest, name: str) -> HttpResponseBase:
    request.scope["pictor.headers"]["X-Rate"] = "7"  # type: ignore[attr-defined] # an ASGIRequest
    raise ERRORS[name]


async def waits(request: HttpRequest) -> HttpResponseBase:
    became.append("waiting")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        became.append("cancelled")
        raise
    return HttpResponse()


async def tells(request: HttpRequest, name: str) -> HttpResponseBase:
    on_end = request.scope["pictor.on_end"]  # type: ignore[attr-defined] # an ASGIRequest
    on_end.append(lambda is_whole: became.append("whole" if is_whole else "broken off"))
    return await {"hello": hello, "waits": waits}[name](request)


async def gives_up(request: HttpRequest) -> HttpResponseBase:
    other = asyncio.get_running_loop().create_future()
    other.cancel()
    await other
    return HttpResponse()


async def streams(request: HttpRequest) -> HttpResponseBase:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    return StreamingHttpResponse(chunks(), content_type="text/event-stream")


urlpatterns = [
    path("v1/hello", hello),
    path("v1/headed", headed),
    path("v1/fails/<name>", fails),
    path("v1/waits", waits),
    path("v1/streams", streams),
    path("v1/tells/<name>", tells),
    path("v1/gives-up", gives_up),
]
handler404 = not_found
