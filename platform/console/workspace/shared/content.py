"""A workspace's generation, or the part of it that our people may see in a support view."""

from copy import copy
from dataclasses import replace

from django.http import Http404, QueryDict

from console.workspace.access import Workspace
from generation.selectors import Finished
from generation.tenants import services
from pictor.kit.words.errors import NotFound


def without_content(workspace: Workspace, finished: Finished) -> Finished:
    """A generation as the person may see it: without prompt and images for support.

    The template does not get what is left out, so no page can show it.
    """
    if workspace.sees_content:
        return finished
    emptied = copy(finished.generation)
    is_read = "answer" not in emptied.get_deferred_fields()  # a list does not load it
    metadata = (emptied.answer or {}).get("metadata", {}) if is_read else {}
    sizes = {"delivered_sizes": metadata.get("delivered_sizes", [])}
    emptied.prompt, emptied.fields, emptied.inputs, emptied.answer = "", {}, [], {"metadata": sizes}
    if emptied.error:
        emptied.error = {**emptied.error, "message": "Only its caller may see the message."}
    return replace(finished, generation=emptied, images=())


def findable(workspace: Workspace, query: QueryDict) -> QueryDict:
    """The filters that the person may use: without prompts, no search that would guess them."""
    if workspace.sees_content or "q" not in query:
        return query
    left = query.copy()
    del left["q"]
    return left


def one_of(workspace: Workspace, public_id: str) -> Finished:
    """The workspace's generation with this id, as the person may see it. Raises Http404."""
    try:
        return without_content(workspace, services.generation_of(workspace.id, public_id))
    except NotFound:
        raise Http404 from None
