"""One prompt for up to four models or qualities side by side; each is an ordinary generation."""

from dataclasses import dataclass
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import ApiKey
from console.parts.page_query import word_of
from console.parts.periods import number_of
from console.workspace.access import FORM, POST, Permission, Workspace, member, rendered
from console.workspace.playground.asked import FilledForm, names_of, own_images
from console.workspace.playground.pages import (
    MAX_BYTES,
    form_id,
    form_id_of,
    key_named,
    price_of,
    usable,
)
from console.workspace.shared.choices import draft_of
from console.workspace.shared.content import one_of
from console.workspace.shared.first_call import models_of
from console.workspace.shared.generation_card import run_of
from generation.admission.quoting import Quoted
from generation.api.playground import caller_of, submit
from generation.catalogue.contracts import ContractTerms
from generation.channels.declaration import MAX_IMAGES, Task
from pictor.kit.words import clock
from pictor.kit.words.errors import InvalidRequest, PictorError

MOST = 4
SQUARE = "1024x1024"
SIZES = {
    SQUARE: "Square", "1536x1024": "Wide, 3:2", "1024x1536": "Tall, 2:3",
    "1792x1024": "Wide, 16:9", "1024x1792": "Tall, 9:16",
}  # fmt: skip
"""Each model makes its nearest size."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A model in a quality, such as 'gpt-image-2|low', and its price or why it has none."""

    name: str
    asked: FilledForm
    quoted: Quoted | None
    why: PictorError | None


@member(Permission.GENERATE, FORM)
def compare(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Show the form with each price and the sum; with `runs`, what was made."""
    return _page(request, workspace, request.POST or _as_made(request, workspace))


@member(Permission.GENERATE, POST)
def compare_run(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Make one image of each kind, each for no more than the price that was shown."""
    try:
        made = _made(request, workspace)
    except PictorError as error:
        return _page(request, workspace, request.POST, refusal=error)
    here = reverse("workspace:compare", args=[workspace.tenant.public_id])
    shown = {"runs": made, "use": request.POST.getlist("use")}
    return redirect(f"{here}?{urlencode(shown, doseq=True)}")


def _made(request: HttpRequest, workspace: Workspace) -> list[str]:
    """Admit each kind; one that is refused after others were made is told on the next page."""
    key, number = key_named(workspace, request.POST.get("key", "")), form_id(request)
    made: list[str] = []
    for kind in _priced(request, workspace, key):
        shown = number_of(request.POST.get(f"shown-{kind.name}", ""))
        asked = kind.asked.request(request, key, number=number, shown=shown)
        caller = caller_of(key, ip=asked.ip)
        try:
            admitted = submit(asked, caller=caller, catalogue=workspace.catalogue, now=clock.now())
        except PictorError as error:
            if not made:
                raise
            messages.error(request, f"{kind.name.replace('|', ', ')}: {error}")
        else:
            made.append(admitted.generation.public_id)
    return made


def _priced(request: HttpRequest, workspace: Workspace, key: ApiKey) -> list[Kind]:
    """The chosen kinds. Raises the PictorError of the first that has no price."""
    kinds = _kinds(request, workspace, request.POST, key)
    if not kinds:
        raise InvalidRequest("Choose what is to be compared.", param="kind")
    for why in filter(None, (kind.why for kind in kinds)):
        raise why
    return kinds


def _as_made(request: HttpRequest, workspace: Workspace) -> QueryDict:
    """The form's values as the shown runs were made: their prompt stays out of the address."""
    query = request.GET.copy()
    for place, name in enumerate(query.getlist("runs")[:MOST]):
        made = one_of(workspace, name).generation
        query.appendlist("kind", f"{made.model}|{made.quality_requested}")
        if not place:
            query.update({"prompt": made.prompt, "size": made.size})
    return query


def _page(
    request: HttpRequest,
    workspace: Workspace,
    query: QueryDict,
    *,
    refusal: PictorError | None = None,
) -> HttpResponse:
    keys, models = usable(workspace), _makers(workspace)
    context = {"keys": keys, "models": models, "refusal": refusal}
    if keys and models:
        named = word_of(query, "key", [key.public_id for key in keys], keys[0].public_id)
        key = next(key for key in keys if key.public_id == named)
        kinds = _kinds(request, workspace, query, key)
        totals = [kind.quoted.quote.total for kind in kinds if kind.quoted]
        context |= {
            "key": key,
            "kinds": kinds,
            "slots": [*(kind.name for kind in kinds), *[""] * MOST][:MOST],
            "total": sum(totals),
            "is_whole": len(totals) == len(kinds) > 0,
            "prompt": query.get("prompt", ""),
            "sizes": SIZES.items(),
            "size": word_of(query, "size", SIZES, SQUARE),
            "pictures": kinds[0].asked.pictures if kinds else [],
            "files_lost": len(request.FILES.getlist("image")),
            "most_references": MAX_IMAGES,
            "most_bytes": MAX_BYTES,
            "number": form_id_of(request) or uuid4().hex,
            "runs": [run_of(one_of(workspace, one)) for one in query.getlist("runs")[:MOST]],
        }
    return rendered(request, workspace, "workspace/compare.html", context, refused=refusal)


def _makers(workspace: Workspace) -> list[ContractTerms]:
    return [contract for contract in models_of(workspace) if Task.GENERATE in contract.tasks]


def _kinds(request: HttpRequest, workspace: Workspace, query: QueryDict, key: ApiKey) -> list[Kind]:
    """The chosen kinds with their prices; at first two qualities of the usual model."""
    makers, catalogue = _makers(workspace), workspace.catalogue
    offered = {f"{one.model}|{word}" for one in makers for word in one.qualities}
    usual = draft_of({}, makers).contract
    first = [f"{usual.model}|{word}" for word in usual.qualities[:2]]
    named = dict.fromkeys(query.getlist("kind") if "kind" in query else first)
    words = {"prompt": query.get("prompt", ""), "size": word_of(query, "size", SIZES, SQUARE)}
    (uses, missing), names, kinds = own_images(workspace, query), names_of(request), []
    for name in [name for name in named if name in offered][:MOST]:
        model, _, quality = name.partition("|")
        draft = draft_of({**words, "model": model, "quality": quality}, makers)
        asked = FilledForm(draft, uses, names, missing, catalogue.takes_references(model))
        kinds.append(Kind(name, asked, *price_of(request, key, asked)))
    return kinds
