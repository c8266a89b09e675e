"""Current trouble, shown at the top of a workspace's pages.

It is the status page's trouble, and a stop of this workspace, which no public page shows.
"""

from datetime import datetime

from console.workspace.access import Workspace
from generation.catalogue.contracts import StopTerms
from generation.oversight import watch


def trouble_of(workspace: Workspace, now: datetime) -> list[str]:
    """Sentences about stops, current incidents and maintenance, and measured trouble."""
    stops = [stop for stop in workspace.catalogue.stops if stop.tenant_id in {None, workspace.id}]
    return [
        *map(_stop_sentence, stops),
        *(f"{trouble.part}: {trouble.trouble.lower()}." for trouble in watch.troubles(now=now)),
    ]


def _stop_sentence(stop: StopTerms) -> str:
    what = "This workspace" if stop.tenant_id else stop.model or "Image generation"
    since = f"{what} is paused since {stop.began_at:%-d %B, %H:%M} UTC"
    return f"{since}: {stop.words}" if stop.words else f"{since}."
