"""The library's pages as this site shows them: never cached, and all that one does or nothing."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from allauth.account.views import LoginView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from typing_extensions import override

from accounts.sign_in.forms import Counted

View = Callable[..., HttpResponseBase]


def page(view: View) -> View:
    """The view in one transaction: a mail or an audit event is written with its change."""

    @wraps(view)
    def whole(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with transaction.atomic():
            return view(request, *args, **kwargs)

    return never_cache(whole)


class CountedView(LoginView):
    """The library's sign-in, which says when the next attempt is counted."""

    @override
    def form_invalid(self, form: Counted) -> HttpResponse:
        """The form with what is wrong; 429 where it is the number of attempts."""
        return said_when(super().form_invalid(form), form)


def said_when(response: HttpResponse, form: Counted) -> HttpResponse:
    """The response, as a 429 with Retry-After where the form was one attempt too many."""
    wait = form.retry_after()
    if wait is not None:
        response.status_code = HTTPStatus.TOO_MANY_REQUESTS
        response.headers["Retry-After"] = str(wait)
    return response


def too_many(request: HttpRequest) -> HttpResponse:
    """The page for whoever has tried too often."""
    return TemplateResponse(request, "429.html", status=HTTPStatus.TOO_MANY_REQUESTS).render()
