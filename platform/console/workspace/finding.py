"""Search for a page, key or generation. The palette (Ctrl K) uses it, too."""

from http import HTTPStatus
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.selectors.office.api_keys import api_keys_of
from console.parts.filters import MAX_TEXT
from console.parts.places import Place
from console.site.guides import titled
from console.workspace.access import Permission, Workspace, is_called, keys_of, member, rendered
from console.workspace.places import places_of
from console.workspace.shared.content import without_content
from console.workspace.shared.filters import TESTS
from generation.selectors import refused_request
from generation.tenants import services
from pictor.kit.words.errors import NotFound

SHOWN_KEYS = 8
SHOWN_GUIDES = 5


@member()
def find(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Show the matches; with `go`, redirect to the first."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
    places = _matching_places(workspace, text)
    if "go" in request.GET and places and not request.headers.get("HX-Request"):
        return redirect(places[0].url)
    context = {"text": text, "found": places}
    return rendered(request, workspace, "workspace/find.html", context)


def _matching_places(workspace: Workspace, text: str) -> list[Place]:
    """What has that id or request first, then pages, then keys; all pages if empty."""
    places = places_of(workspace)
    if not text:
        return places
    word, tenant = text.casefold(), workspace.tenant.public_id
    keys = [
        Place(key.name or "Unnamed key", reverse("workspace:key", args=[tenant, key.public_id]),
              note=f"{key.visible_prefix}…")
        for key in keys_of(workspace)
        if is_called(key, text)
    ]  # fmt: skip
    return [
        *_generation(workspace, text),
        *_refused(workspace, text),
        *(place for place in places if word in place.title.casefold()),
        *keys[:SHOWN_KEYS],
        *(Place(title, url, note="Guide") for title, url in titled(text)[:SHOWN_GUIDES]),
        *_search(workspace, text),
    ]


def _generation(workspace: Workspace, text: str) -> list[Place]:
    if Permission.SEE_GENERATIONS not in workspace.may:
        return []
    try:
        finished = without_content(
            workspace, services.generation_named(workspace.id, text)
        ).generation
    except NotFound:
        return []
    url = reverse("workspace:generation", args=[workspace.tenant.public_id, finished.public_id])
    return [Place(finished.prompt[:80] or workspace.no_prompt, url, note=finished.public_id)]


def _refused(workspace: Workspace, text: str) -> list[Place]:
    """The refusal of the request with that id, if its key was known to be of this workspace."""
    refused = refused_request(text) if Permission.SEE_GENERATIONS in workspace.may else None
    if (
        refused is None
        or refused.tenant_id != workspace.id
        or refused.status < HTTPStatus.BAD_REQUEST
    ):
        return []
    tests = {key.id for key in api_keys_of(workspace.tenant.id, tests_only=True)}
    mode = {"mode": TESTS} if refused.key_id in tests else {}
    url = reverse("workspace:refused", args=[workspace.tenant.public_id])
    query = urlencode({"request": refused.public_id, **mode})
    title = f"Refused: {refused.status} {refused.code}"
    return [Place(title, f"{url}?{query}", note=refused.public_id)]


def _search(workspace: Workspace, text: str) -> list[Place]:
    if Permission.SEE_GENERATIONS not in workspace.may or not workspace.sees_content:
        return []
    url = reverse("workspace:generations", args=[workspace.tenant.public_id])
    return [Place(f"Generations with “{text}”", f"{url}?{urlencode({'q': text})}")]
