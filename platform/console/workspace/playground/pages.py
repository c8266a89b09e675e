"""Playground: prepare a request, see its price, and run it as an ordinary generation."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import ApiKey
from accounts.selectors.office.api_keys import api_keys_of
from billing.pricing import PriceTable
from console.parts.page_query import word_of
from console.parts.periods import number_of
from console.parts.rows import SHOWN_CHARS
from console.site.calls import Snippet
from console.workspace.access import POST, Permission, Workspace, may_use, member, rendered
from console.workspace.playground.asked import FilledForm, as_asked, asked_by
from console.workspace.playground.picker import picker_of
from console.workspace.playground.remedies import remedy_for
from console.workspace.shared.content import one_of
from console.workspace.shared.first_call import models_of
from console.workspace.shared.generation_card import run_of
from console.workspace.shared.snippets import snippets_of
from console.workspace.shared.sunsets import sunsets_of
from console.workspace.shared.trouble import trouble_of
from generation.admission.quoting import Quoted, quoted_order
from generation.admission.service import Admitted
from generation.api.playground import caller_of, require_offered, submit
from generation.catalogue.contracts import Catalogue
from generation.catalogue.snapshot import prices_at
from generation.channels.declaration import MAX_IMAGES
from generation.models import Generation, Source
from generation.tenants.searching import Criteria, newest_matching
from pictor.kit.words import clock
from pictor.kit.words.errors import InvalidRequest, PictorError

SHOWN_RUNS = 8
SHOWN_FOR = timedelta(days=7)
MAX_BYTES = 23 * 1024**2
"""The most bytes of a form's files: a little less than the form's limit (web/site.py)."""
_FORM_ID = re.compile("[0-9a-f]{32}", re.ASCII)
IDEAS = (
    "A brass astrolabe on linen, window light",
    "Layered hills under a pale morning sun",
    "A heron in a raincoat, waiting for a tram",
)


@member(Permission.GENERATE)
def playground(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Show the form with its price, the last runs, and the same call as code."""
    query: Mapping[str, Any] = request.GET
    if "run" in request.GET:
        made = one_of(workspace, request.GET["run"])  # its card polls until it has ended
        card = {"run": run_of(made), "is_apart": "apart" in request.GET}
        return rendered(request, workspace.with_balance_now(), "workspace/run_alone.html", card)
    had_references = 0
    if "again" in request.GET:
        generation = one_of(workspace, request.GET["again"]).generation
        query = {**as_asked(generation), "key": _key_again(workspace, generation)}
        if "use" in request.GET:
            query["task"] = request.GET.get("task", "")
        else:
            had_references = len(generation.inputs)
    context = {**_context(request, workspace, query), "had_references": had_references}
    return rendered(request, workspace, "workspace/playground.html", context)


@member(Permission.GENERATE, POST)
def quote(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Show the submitted form with its price. Spends and holds nothing."""
    context = _context(request, workspace, request.POST)
    return rendered(request, workspace, "workspace/playground.html", context)


@member(Permission.GENERATE, POST)
def run(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Make the images: the same admission as the API's, billed to the chosen key.

    The form's own id serves as Idempotency-Key: a form that is sent twice runs once.
    """
    is_whole_page = not request.headers.get("HX-Request")
    try:
        admitted = _admitted(request, workspace)
    except PictorError as error:
        context = _context(request, workspace, request.POST, refusal=error)
        if is_whole_page:
            context["files_lost"] = len(request.FILES.getlist("image"))
        return rendered(request, workspace, "workspace/playground.html", context, refused=error)
    if is_whole_page:
        return redirect(
            "workspace:generation", workspace.tenant.public_id, admitted.generation.public_id
        )
    context = {**_context(request, workspace, request.POST), "number": uuid4().hex}
    return rendered(request, workspace.with_balance_now(), "workspace/playground.html", context)


def _admitted(request: HttpRequest, workspace: Workspace) -> Admitted:
    models, now = models_of(workspace), clock.now()
    require_offered(workspace.catalogue, models, request.POST.get("model", ""), now=now)
    asked = asked_by(request, workspace, request.POST, models)
    key = key_named(workspace, request.POST.get("key", ""))
    caller = caller_of(key, ip=request.META.get("REMOTE_ADDR"))
    shown = number_of(request.POST.get("shown", ""))
    page_request = asked.request(request, key, number=form_id(request), shown=shown)
    return submit(page_request, caller=caller, catalogue=workspace.catalogue, now=now)


def _context(
    request: HttpRequest,
    workspace: Workspace,
    query: Mapping[str, Any],
    *,
    refusal: PictorError | None = None,
) -> dict[str, Any]:
    catalogue = workspace.catalogue
    keys, models = usable(workspace), models_of(workspace)
    context: dict[str, Any] = {"keys": keys, "refusal": refusal}
    context["endings"] = sunsets_of(workspace, clock.now())
    if not keys or not models:
        return context
    asked = asked_by(request, workspace, query, models)
    draft = asked.draft
    named = word_of(query, "key", [key.public_id for key in keys], keys[0].public_id)
    key = next(key for key in keys if key.public_id == named)
    quoted, why = price_of(request, key, asked)
    wanted = Criteria(livemode=None, source=Source.PLAYGROUND, since=clock.now() - SHOWN_FOR)
    runs = newest_matching(workspace.tenant.id, wanted, limit=SHOWN_RUNS, prompt_chars=SHOWN_CHARS)
    return {
        **context,
        "trouble": trouble_of(workspace, clock.now()),
        "draft": draft,
        "asked": asked,
        "gone": query.get("model", "") if query.get("model") != draft.contract.model else "",
        "picker": picker_of(draft, _prices(catalogue, workspace)),
        "key": key,
        "models": models,
        "quoted": quoted,
        "why": why,
        "way": remedy_for(workspace, key, refusal or why),
        "is_limit": quoted is not None and not quoted.is_final,
        "reference": _prices(catalogue, workspace).reference(draft.contract.model),
        "most_references": MAX_IMAGES,
        "most_bytes": MAX_BYTES,
        "number": form_id_of(request) or uuid4().hex,
        "ideas": IDEAS,
        "runs": [run_of(run) for run in runs],
        "has_tests": any(key.is_test for key in keys),
        "snippets": _code(request, asked, key),
    }


def _code(request: HttpRequest, asked: FilledForm, key: ApiKey) -> list[Snippet]:
    draft, usual = asked.draft, asked.draft.contract.response_format_default
    return snippets_of(
        f"{request.scheme}://{request.get_host()}",
        draft.body,
        asked.images,
        response_format=key.default_response_format or usual,
        task=draft.task,
    )


def _prices(catalogue: Catalogue, workspace: Workspace) -> PriceTable:
    """The table that quotes are made from; it prices every step of the picker."""
    return prices_at(catalogue.revision, workspace.id, now=clock.now())


def usable(workspace: Workspace) -> list[ApiKey]:
    """The keys with which this member may make images: live keys first, then test keys."""
    now = clock.now()
    keys = [key for key in api_keys_of(workspace.tenant.id) if may_use(workspace, key, now)]
    return sorted(keys, key=lambda key: key.is_test)


def _key_again(workspace: Workspace, generation: Generation) -> str:
    """The key of the repeated run, or one of its mode: a test is never repeated for money."""
    same = [key for key in usable(workspace) if key.is_test != generation.livemode]
    keys = sorted(same, key=lambda key: key.id != generation.api_key_id)
    return keys[0].public_id if keys else ""


def key_named(workspace: Workspace, public_id: str) -> ApiKey:
    key = next((key for key in usable(workspace) if key.public_id == public_id), None)
    if key is None:
        raise InvalidRequest("Choose a key.", param="key")
    return key


def form_id(request: HttpRequest) -> str:
    """The form's unique id. Raises InvalidRequest if it is missing."""
    number = form_id_of(request)
    if not number:
        raise InvalidRequest("Load the page again: the form is incomplete.", param="number")
    return number


def form_id_of(request: HttpRequest) -> str:
    """The submitted form's id, kept until it made something: a retry may send it again."""
    number = request.POST.get("number", "")
    return number if _FORM_ID.fullmatch(number) else ""


def price_of(
    request: HttpRequest, key: ApiKey, asked: FilledForm
) -> tuple[Quoted | None, PictorError | None]:
    """The price, or the reason for a refusal; the prompt may still be missing."""
    try:
        caller = caller_of(key, ip=request.META.get("REMOTE_ADDR"))
        return quoted_order(caller=caller, request=asked.fields, now=clock.now()), None
    except PictorError as error:
        return None, error
