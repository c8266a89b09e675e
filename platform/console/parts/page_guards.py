"""Shared behaviour of pages behind a sign-in: redirects there and back, limits, no caching."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import is_valid_path
from django.utils.cache import add_never_cache_headers

from console.parts.page_query import NotedQuery
from pictor.kit.words.errors import RateLimited

View = Callable[..., HttpResponseBase]

METHODS = (("GET", "HEAD"), ("POST",), ("GET", "HEAD", "POST"))
"""The methods of a page that only shows, of an action, and of a form that is shown and sent."""

Found = TypeVar("Found")
SIGNED_OUT = "You were signed out, so nothing was saved. Sign in and send it again."


def sign_in_redirect(request: HttpRequest, to: str) -> HttpResponseBase:
    """Redirect to the sign-in, or to the terms, and back afterwards.

    If the page requested only a part of itself, the whole page is redirected: the part's answer
    would otherwise be another page that does not fit.
    """
    if not request.headers.get("HX-Request"):
        return redirect_to_login(request.get_full_path(), to)
    back = _path_of(request.headers.get("HX-Current-URL", ""))
    answer = HttpResponse(status=HTTPStatus.UNAUTHORIZED)
    answer["HX-Redirect"] = redirect_to_login(back, to)["Location"]
    return answer


def sign_in_redirect_from_form(request: HttpRequest, to: str, *, home: str) -> HttpResponseBase:
    """Like `sign_in_redirect`, but back to the page that a form was sent from, or to `home`."""
    if request.method in {"GET", "HEAD"} or request.headers.get("HX-Request"):
        return sign_in_redirect(request, to)
    return redirect_to_login(_path_of(request.headers.get("Referer", "")) or home, to)


def signed_out_redirect(request: HttpRequest) -> HttpResponseBase:
    """Redirect to the sign-in, and back to the page or form; it says that a form was not saved."""
    if request.method == "POST":
        messages.warning(request, SIGNED_OUT)
    return sign_in_redirect_from_form(request, "account_login", home=request.get_full_path())


def or_404(found: Found | None) -> Found:
    """Return what was found. Raises Http404 for nothing."""
    if found is None:
        raise Http404
    return found


def _path_of(address: str) -> str:
    """The part of a browser's address after the host; empty if it is invalid."""
    try:
        return urlsplit(address)._replace(scheme="", netloc="").geturl()
    except ValueError:
        return ""


def with_limits(view: View) -> View:
    """Turn RateLimited into a 429, and forbid caching unless the page sets Cache-Control.

    The address of what a form does, opened in a browser, leads to the page above. The query knows
    what of it nobody understood; a CSV of such a query is a 400.
    """

    @wraps(view)
    def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.GET = asked = NotedQuery.of(request)  # type: ignore[assignment]  # it cannot be changed
        try:
            answer = view(request, *args, **kwargs)
        except RateLimited as error:
            answer = _too_many(request, error.retry_after)
        if answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED and request.method == "GET":
            answer = HttpResponseRedirect(_page_above(request.path))
        if asked.troubles and answer.get("Content-Type", "").startswith("text/csv"):
            answer = _not_understood(request, asked)
        if not answer.has_header("Cache-Control"):
            add_never_cache_headers(answer)
        return answer

    return limited


def _not_understood(request: HttpRequest, asked: NotedQuery) -> HttpResponse:
    """Refuse a file of what was not asked for: a line about it would break its readers."""
    rest = asked.copy()
    rest.pop("format", None)
    context = {"troubles": asked.troubles, "page": f"?{rest.urlencode()}"}
    return render(request, "not_understood.html", context, status=HTTPStatus.BAD_REQUEST)


def _page_above(path: str) -> str:
    parts = path.rstrip("/").split("/")
    above = ("/".join([*parts[:number], ""]) for number in range(len(parts) - 1, 1, -1))
    return next(filter(is_valid_path, above), "/")


def _too_many(request: HttpRequest, seconds: int | None) -> HttpResponse:
    context = {"seconds": seconds}
    answer = render(request, "429.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    answer["Retry-After"] = str(seconds)
    return answer
