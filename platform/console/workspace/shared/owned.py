"""A workspace's generation by its id; other workspaces' are a 404."""

from django.http import Http404

from console.workspace.access import Workspace
from console.workspace.shared.content import without_content
from generation.selectors import Finished
from generation.tenants import services
from pictor.kit.words.errors import NotFound


def one_of(workspace: Workspace, public_id: str) -> Finished:
    """The workspace's generation with this id, as the person may see it. Raises Http404."""
    try:
        return without_content(workspace, services.generation_of(workspace.id, public_id))
    except NotFound:
        raise Http404 from None
