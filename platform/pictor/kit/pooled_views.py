"""Django REST framework's views under /v1: in the bounded pool of sync views, not a thread each."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.views import APIView

from pictor.kit import pools


def pooled(view_class: type[APIView]) -> Callable[..., Coroutine[Any, Any, HttpResponseBase]]:
    """The view as an async one that runs, and renders, in the pool."""
    view = view_class.as_view()

    @csrf_exempt
    @functools.wraps(view)
    async def run(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        return await pools.views(_rendered, view, request, kwargs)

    return run


def _rendered(view: Any, request: HttpRequest, kwargs: dict[str, Any]) -> HttpResponseBase:
    response: Any = view(request, **kwargs)
    if hasattr(response, "render"):
        response.render()
    return response  # type: ignore[no-any-return]  # as_view is untyped here
