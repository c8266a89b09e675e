"""A generation of the workspace by its id; that of any other one is not there."""

from django.http import Http404

from console.workspace.access import Workspace
from console.workspace.support import seen
from generation.selectors import Finished
from generation.tenants import services
from pictor.kit.words.errors import NotFound


def one_of(workspace: Workspace, public_id: str) -> Finished:
    """The workspace's generation of that id, as whoever asks may see it; no other one is there."""
    try:
        return seen(workspace, services.generation_of(workspace.id, public_id))
    except NotFound:
        raise Http404 from None
