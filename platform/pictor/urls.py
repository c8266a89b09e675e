"""The URL map. /v1 is served by its own handler (web/handler.py), the rest by Django's.

The probes are answered in front of both (web/probes.py). A web process imports this module with its
first page (web/site.py).
"""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import include, path
from django.views.defaults import page_not_found
from django.views.generic import RedirectView

from accounts.sign_in.pages import too_many
from console.site.openapi import openapi
from console.workspace.access import missing
from pictor import api_urls
from pictor.kit.endpoints import errors as api_errors
from pictor.kit.words.errors import InvalidRequest, PictorError

urlpatterns = [
    *api_urls.urlpatterns,
    path("openapi.json", openapi),
    path("openapi.json/", openapi),
    path("admin/", RedirectView.as_view(pattern_name="ops:overview")),  # where operators look
    path("accounts/", include("accounts.sign_in.urls")),
    path("console/", include("console.workspace.urls")),
    path("ops/v1/", include("console.ops.door.urls")),
    path("ops/", include("console.ops.urls")),
    path("", include("console.people.urls")),
    path("", include("console.site.urls")),
]


def is_for_a_person(request: HttpRequest) -> bool:
    """True if a browser asks for a page outside /v1."""
    is_page = not request.path.startswith("/v1") and request.accepts("text/html")
    return is_page and "text/html" in request.headers.get("Accept", "")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 404: a page for a browser outside /v1, JSON for other callers."""
    if is_for_a_person(request):
        return missing(request) or page_not_found(request, exception)
    return api_errors.response_of(api_errors.as_pictor_error(exception))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a form that Django refuses to read; Django has logged the reason."""
    return api_errors.response_of(InvalidRequest("The request could not be read."))


def server_error(request: HttpRequest, **_: Any) -> HttpResponseBase:
    """Answer 500 without a traceback: a page for a browser, JSON for other callers."""
    if is_for_a_person(request):
        return render(request, "500.html", status=HTTPStatus.INTERNAL_SERVER_ERROR)
    return api_errors.response_of(PictorError("Something went wrong on our side."))


handler400 = bad_request
handler404 = not_found
handler429 = too_many  # allauth's
handler500 = server_error
