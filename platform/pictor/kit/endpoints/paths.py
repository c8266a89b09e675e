"""Paths under /v1: async methods run on the event loop, all others in the pool of sync views."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from rest_framework.views import APIView

from pictor.kit.database import pools
from pictor.kit.endpoints import errors as api_errors
from pictor.kit.words.errors import MethodNotAllowed

Waiting = Callable[..., Coroutine[Any, Any, HttpResponseBase]]
"""A view or handler that runs on the event loop."""

Pool = Callable[..., Coroutine[Any, Any, HttpResponseBase]]
"""A thread pool, called with a sync view and its arguments."""

AnswerT = TypeVar("AnswerT", bound=HttpResponseBase)

METHODS = ("get", "post", "put", "patch", "delete")


def route(view: type[APIView], *, delete_in: Pool = pools.views, **waiting: Waiting) -> Waiting:
    """Return a path's view: async handlers by method, as `post=create`, and the class's own.

    `delete_in` is the pool for a DELETE that waits for more than the database. HEAD is a GET
    without its body. Other methods are answered by a 405 in OpenAI's shape. The OpenAPI document
    is made from `cls`, which has the handlers of both kinds.
    """
    described = type(view.__name__, (view,), waiting) if waiting else view
    methods = [method for method in METHODS if hasattr(described, method)]
    sync = view.as_view()

    @functools.wraps(sync)
    async def answer(request: ASGIRequest, **kwargs: Any) -> HttpResponseBase:
        method = (request.method or "").lower()
        if method not in methods and not (method == "head" and hasattr(view, "get")):
            return _method_not_allowed(methods)
        if method in waiting:
            return await waiting[method](request, **kwargs)
        pool = delete_in if method == "delete" else pools.views
        return await pool(_render_view, sync, request, kwargs)

    answer.csrf_exempt = True  # type: ignore[attr-defined]  # where Django looks for it
    answer.cls = described  # type: ignore[attr-defined]  # where drf-spectacular looks for it
    answer.initkwargs = {}  # type: ignore[attr-defined]  # as above
    return answer


def paths(at: str, view: Waiting) -> list[URLPattern]:
    """Return the path with and without a trailing slash."""
    return [path(at, view), path(f"{at}/", view)]


def read_only(
    view: Callable[[HttpRequest], AnswerT],
) -> Callable[[HttpRequest], AnswerT | HttpResponse]:
    """Answer GET and HEAD by a page of the API outside /v1, and other methods by /v1's 405."""

    @csrf_exempt  # so that a POST meets this 405, and not a 403 for its missing token
    @functools.wraps(view)
    def answer(request: HttpRequest) -> AnswerT | HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return _method_not_allowed(["get", "head"])
        return view(request)

    return answer


def _method_not_allowed(methods: list[str]) -> HttpResponse:
    names = ", ".join(method.upper() for method in methods)
    response = api_errors.response_of(MethodNotAllowed(f"This address supports only {names}."))
    response["Allow"] = names
    return response


def _render_view(view: Any, request: ASGIRequest, kwargs: dict[str, Any]) -> HttpResponseBase:
    response: Any = view(request, **kwargs)
    if hasattr(response, "render"):
        response.render()
    return response  # type: ignore[no-any-return]  # as_view is untyped here
