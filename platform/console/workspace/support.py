"""The support view: the pages of a workspace that our people may see, and their limits.

A page is only part of it if it is named here. Nothing can be changed or downloaded in it.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from accounts.models import SupportGrant, User
from accounts.selectors.office.support import support_grant
from console.parts.page_guards import View, with_limits
from console.parts.support import forget, grant_id_of
from pictor.kit.words import clock

PAGES = frozenset(
    {
        *("overview", "find", "generations", "generation", "refused", "usage", "billing"),
        *("ledger", "statements", "statement", "prices", "audit", "payments", "payment"),
    }
)
WITH_CONTENT = frozenset({"thumbnail"})
"""Pages of only images: allowed if the workspace shows its content to support."""
_TO_LOOK = frozenset({"GET", "HEAD"})


def gated(name: str) -> Callable[[View], View]:
    """Guard a page for support views: they are let in or refused before the view runs."""

    def dressed(view: View) -> View:
        @with_limits
        @wraps(view)
        def guarded(request: HttpRequest, tenant: str, **kwargs: Any) -> HttpResponseBase:
            if not isinstance(request.user, User) or not (known := grant_id_of(request, tenant)):
                return view(request, tenant=tenant, **kwargs)
            grant = support_grant(known, user_id=request.user.id, tenant=tenant, now=clock.now())
            if grant is None:
                return _leave(request, tenant)
            if not _is_open(request, name, grant):
                context = {"grant": grant, "tenant": grant.tenant}
                page = "workspace/no_support.html"
                return render(request, page, context, status=HTTPStatus.FORBIDDEN)
            request.support_grant = grant  # type: ignore[attr-defined]  # what `member` makes its Workspace of
            return view(request, tenant=tenant, **kwargs)

        return guarded

    return dressed


def _is_open(request: HttpRequest, name: str, grant: SupportGrant) -> bool:
    pages = PAGES | WITH_CONTENT if grant.tenant.shows_support_content else PAGES
    return request.method in _TO_LOOK and name in pages and "format" not in request.GET


def _leave(request: HttpRequest, tenant: str) -> HttpResponse:
    """Redirect to the tenant's page in /ops/; a page that requested a part goes as a whole."""
    forget(request, tenant)
    messages.info(request, "The support view has ended.")
    answer = HttpResponse(status=HTTPStatus.SEE_OTHER)
    is_partial = "HX-Request" in request.headers
    answer["HX-Redirect" if is_partial else "Location"] = reverse("ops:tenant", args=[tenant])
    if is_partial:
        answer.status_code = HTTPStatus.FORBIDDEN
    return answer
