"""Playground: what will this give me, and what will it cost? Runs are ordinary generations."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts import rates
from accounts.authentication import let_in, require_scope
from accounts.models import ApiKey
from accounts.selectors import Caller, api_keys_of, caller_of_key
from console.workspace.access import May, Workspace, member
from console.workspace.drafts import FORMATS, Draft, draft_of
from console.workspace.generations import SHOWN_CHARS, one_of, row_of
from console.workspace.keys import may_bill
from console.workspace.snippets import snippets_of
from generation import pipeline, watch
from generation.admission.service import Quoted, Submission, quoted_order
from generation.api import requests
from generation.catalogue.contracts import ContractTerms
from generation.catalogue.snapshot import current_catalogue
from generation.models import Source
from generation.searching import Wanted, found
from pictor.kit import clock, ids
from pictor.kit.errors import InvalidRequest, PictorError
from pictor.kit.ids import GenerationId

SHOWN_RUNS = 8
SHOWN_FOR = timedelta(days=7)
_NUMBER = re.compile("[0-9a-f]{32}", re.ASCII)
IDEAS = (
    "A brass astrolabe on linen, window light",
    "Layered hills under a pale morning sun",
    "A heron in a raincoat, waiting for a tram",
)


@require_safe
@member(May.GENERATE)
def playground(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """The form with its price, the last runs, and the same call from code."""
    said: Mapping[str, Any] = request.GET
    if "again" in request.GET:
        made = one_of(workspace, request.GET["again"]).generation
        said = {
            "model": made.model,
            "prompt": made.prompt,
            "size": made.size,
            "quality": made.quality_requested,
            "n": str(made.n),
            "output_format": made.output_format,
        }
    if "run" in request.GET:
        return _run(request, workspace, request.GET["run"])
    return render(request, "workspace/playground.html", _context(request, workspace, said))


@require_POST
@member(May.GENERATE)
def quote(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """The form as it was filled in, with its price. Spends and holds nothing."""
    context = _context(request, workspace, request.POST)
    return render(request, "workspace/playground.html", context)


@require_POST
@member(May.GENERATE)
def run(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Make the images: the same admission as the API's, billed to the chosen key.

    The form's own number stands for an Idempotency-Key: sent twice, it is made once.
    """
    draft = _draft(request.POST, _models())
    try:
        caller = _caller(request, _key(workspace, request.POST.get("key", "")))
        fields = requests.parse(draft.body, default_model=None)
        rates.take(caller, images=draft.n)
        admitted = pipeline.submit(
            caller=caller,
            submission=Submission(
                request=fields,
                request_id=f"req_{uuid4().hex}",
                idempotency_key=f"playground-{_number(request)}",
                source=Source.PLAYGROUND,
            ),
            generation_id=GenerationId(ids.new_uuid()),
            now=clock.now(),
        )
    except PictorError as error:
        context = _context(request, workspace, request.POST, refusal=error)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return render(request, "workspace/playground.html", context, status=status)
    if not request.headers.get("HX-Request"):
        return redirect(
            "workspace:generation", workspace.tenant.public_id, admitted.generation.public_id
        )
    return render(request, "workspace/playground.html", _context(request, workspace, request.POST))


def _run(request: HttpRequest, workspace: Workspace, public_id: str) -> HttpResponse:
    """One run's card, which asks for itself until it has ended."""
    context = {"workspace": workspace, "run": _card(workspace, public_id)}
    return render(request, "workspace/run.html", context)


def _card(workspace: Workspace, public_id: str) -> dict[str, Any]:
    one = one_of(workspace, public_id)
    return {"row": row_of(one, {}), "made": one.generation, "images": one.images}


def _context(
    request: HttpRequest,
    workspace: Workspace,
    said: Mapping[str, Any],
    *,
    refusal: PictorError | None = None,
) -> dict[str, Any]:
    keys, models = billable(workspace), _models()
    context: dict[str, Any] = {"workspace": workspace, "keys": keys, "refusal": refusal}
    if not keys or not models:
        return context
    draft = _draft(said, models)
    key = next((one for one in keys if one.public_id == said.get("key")), keys[0])
    quoted, why = _quoted(request, key, draft)
    wanted = Wanted(source=Source.PLAYGROUND, since=clock.now() - SHOWN_FOR)
    runs = found(workspace.tenant.id, wanted, limit=SHOWN_RUNS, prompt_chars=SHOWN_CHARS)
    return {
        **context,
        "troubled": watch.troubled(now=clock.now()),
        "draft": draft,
        "key": key,
        "models": models,
        "formats": FORMATS,
        "quoted": quoted,
        "why": why,
        "is_limit": quoted is not None and not quoted.is_final,
        "number": uuid4().hex,
        "ideas": IDEAS,
        "runs": [
            {"row": row_of(one, {}), "made": one.generation, "images": one.images} for one in runs
        ],
        "snippets": snippets_of(f"{request.scheme}://{request.get_host()}", draft.body),
    }


def _draft(said: Mapping[str, Any], models: Sequence[ContractTerms]) -> Draft:
    return draft_of({name: str(said[name]) for name in said}, models)


def _models() -> Sequence[ContractTerms]:
    catalogue = current_catalogue()
    return [one for one in catalogue.contracts.values() if one.is_enabled]


def billable(workspace: Workspace) -> list[ApiKey]:
    """The keys that this member may bill images to."""
    now = clock.now()
    return [key for key in api_keys_of(workspace.tenant.id) if may_bill(workspace, key, now)]


def _key(workspace: Workspace, public_id: str) -> ApiKey:
    key = next((one for one in billable(workspace) if one.public_id == public_id), None)
    if key is None:
        raise InvalidRequest("Choose a key that pays for it.", param="key")
    return key


def _number(request: HttpRequest) -> str:
    """What tells this form from every other one."""
    number = request.POST.get("number", "")
    if not _NUMBER.fullmatch(number):
        raise InvalidRequest("Load the page again: the form lacks its number.", param="number")
    return number


def _caller(request: HttpRequest, key: ApiKey) -> Caller:
    caller = caller_of_key(key.id)
    let_in(caller, now=clock.now(), ip=request.META.get("REMOTE_ADDR"))
    require_scope(caller, "images:write")
    return caller


def _quoted(request: HttpRequest, key: ApiKey, draft: Draft) -> tuple[Quoted | None, str]:
    """What it would cost, or why it cannot be had; a prompt may still be missing."""
    body = {**draft.body, "prompt": draft.prompt.strip() or "…"}
    try:
        caller = _caller(request, key)
        fields = requests.parse(body, default_model=None)
        return quoted_order(caller=caller, request=fields, now=clock.now()), ""
    except PictorError as error:
        return None, error.message
