"""What every page behind a sign-in does: lead there and back, count, forbid caches."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from pictor.kit.words.errors import RateLimited

View = Callable[..., HttpResponseBase]


def led(request: HttpRequest, to: str) -> HttpResponseBase:
    """To signing in, or to the terms, and back. A page that asked for a part of itself goes whole.

    The part's answer would otherwise be the other page, of which nothing fits.
    """
    if not request.headers.get("HX-Request"):
        return redirect_to_login(request.get_full_path(), to)
    back = _path_of(request.headers.get("HX-Current-URL", ""))
    answer = HttpResponse(status=HTTPStatus.UNAUTHORIZED)
    answer["HX-Redirect"] = redirect_to_login(back, to)["Location"]
    return answer


def led_from_form(request: HttpRequest, to: str, *, home: str) -> HttpResponseBase:
    """`led`, and back to the page that a form was sent from, or home where none is named."""
    if request.method in {"GET", "HEAD"} or request.headers.get("HX-Request"):
        return led(request, to)
    return redirect_to_login(_path_of(request.headers.get("Referer", "")) or home, to)


def _path_of(address: str) -> str:
    """What follows the host, of an address that a browser says; empty where that is none."""
    try:
        return urlsplit(address)._replace(scheme="", netloc="").geturl()
    except ValueError:
        return ""


def with_limits(view: View) -> View:
    """A page that is a 429 where it raises RateLimited, and is cached only if it says how long."""

    @wraps(view)
    def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            answer = view(request, *args, **kwargs)
        except RateLimited as error:
            answer = _too_many(request, error.retry_after)
        if not answer.has_header("Cache-Control"):
            add_never_cache_headers(answer)
        return answer

    return limited


def _too_many(request: HttpRequest, seconds: int | None) -> HttpResponse:
    context = {"seconds": seconds}
    answer = render(request, "429.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    answer["Retry-After"] = str(seconds)
    return answer
