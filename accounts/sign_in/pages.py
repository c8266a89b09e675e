"""Pages of the library in the admin's clothes."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache

View = Callable[..., HttpResponseBase]


def page(view: View) -> View:
    """The view with what the admin's templates need, and never cached."""

    @wraps(view)
    def dressed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if isinstance(response, TemplateResponse) and not response.is_rendered:
            look = admin.site.each_context(request)
            response.context_data = {**look, **(response.context_data or {})}
        return response

    return never_cache(dressed)


def too_many(request: HttpRequest) -> HttpResponse:
    """Who has tried too often."""
    look = admin.site.each_context(request)
    return TemplateResponse(request, "429.html", look, status=429).render()
