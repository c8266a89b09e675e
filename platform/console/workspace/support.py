"""The support view: which pages of a workspace one of our people sees there, and with how much.

A page is none of it until it is named here. Nothing is done and nothing is downloaded there.
"""

from collections.abc import Callable
from copy import copy
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.urls import reverse

from accounts.models import SupportGrant, User
from accounts.selectors import support_grant
from console.parts.doors import View, with_limits
from console.parts.support import forget, remembered
from console.workspace.access import Workspace
from generation.selectors import Finished
from pictor.kit.words import clock

PAGES = frozenset(
    {
        *("overview", "find", "generations", "generation", "usage", "billing", "ledger"),
        *("statements", "statement", "prices", "audit"),
    }
)
WITH_CONTENT = frozenset({"thumbnail"})
"""What shows images and nothing else: only where the workspace lets support see them."""
_TO_LOOK = frozenset({"GET", "HEAD"})
_WORDS = ("q",)
"""Filters that find words: whoever may not read them may not guess them either."""


def gated(name: str) -> Callable[[View], View]:
    """A page of that name as a support view has it: seen or refused before the view runs."""

    def dressed(view: View) -> View:
        @with_limits
        @wraps(view)
        def guarded(request: HttpRequest, tenant: str, **kwargs: Any) -> HttpResponseBase:
            if not isinstance(request.user, User) or not (known := remembered(request, tenant)):
                return view(request, tenant=tenant, **kwargs)
            grant = support_grant(known, user_id=request.user.id, tenant=tenant, now=clock.now())
            if grant is None:
                return _ended(request, tenant)
            if not _is_open(request, name, grant):
                return _refused(request, grant)
            request.support_grant = grant  # type: ignore[attr-defined]  # what `member` makes its Workspace of
            return view(request, tenant=tenant, **kwargs)

        return guarded

    return dressed


def _is_open(request: HttpRequest, name: str, grant: SupportGrant) -> bool:
    pages = PAGES | WITH_CONTENT if grant.tenant.shows_support_content else PAGES
    return request.method in _TO_LOOK and name in pages and "format" not in request.GET


def _refused(request: HttpRequest, grant: SupportGrant) -> HttpResponse:
    context = {"grant": grant, "tenant": grant.tenant}
    return render(request, "workspace/no_support.html", context, status=HTTPStatus.FORBIDDEN)


def _ended(request: HttpRequest, tenant: str) -> HttpResponse:
    """To the tenant's page, which any of us may see; a page that asked for a part goes whole."""
    forget(request, tenant)
    messages.info(request, "The support view has ended.")
    answer = HttpResponse(status=HTTPStatus.SEE_OTHER)
    is_partial = "HX-Request" in request.headers
    answer["HX-Redirect" if is_partial else "Location"] = reverse("ops:tenant", args=[tenant])
    if is_partial:
        answer.status_code = HTTPStatus.FORBIDDEN
    return answer


def seen(workspace: Workspace, one: Finished) -> Finished:
    """A generation as whoever asks may see it: to support, without words and images.

    What is left out is not in what a template gets, so no page can show it.
    """
    if workspace.sees_content:
        return one
    made = copy(one.generation)
    is_read = "answer" not in made.get_deferred_fields()  # a list does without
    metadata = (made.answer or {}).get("metadata", {}) if is_read else {}
    sizes = {"delivered_sizes": metadata.get("delivered_sizes", [])}
    made.prompt, made.fields, made.inputs, made.answer = "", {}, [], {"metadata": sizes}
    if made.error:
        made.error = {**made.error, "message": "What it said is for its caller alone."}
    return Finished(made, ())


def findable(workspace: Workspace, query: QueryDict) -> QueryDict:
    """The filters of an address that whoever asks may use."""
    if workspace.sees_content or not any(name in query for name in _WORDS):
        return query
    left = query.copy()
    for name in _WORDS:
        left.pop(name, None)
    return left
