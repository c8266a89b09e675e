"""What is wrong just now, as a workspace's pages say it above all else.

It is what the status page has, and a stop of this workspace, which is on no public page.
"""

from datetime import datetime

from console.workspace.access import Workspace
from generation.catalogue.contracts import StopTerms
from generation.oversight import watch


def trouble_of(workspace: Workspace, now: datetime) -> list[str]:
    """Sentences: what is stopped, incidents and maintenance that go on, and what was measured."""
    stops = [one for one in workspace.catalogue.stops if one.tenant_id in {None, workspace.id}]
    # Of what is paused a page knows better than the last look.
    seen = [one for one in watch.troubled(now=now) if one.trouble != watch.PAUSED]
    return [*map(_paused, stops), *(f"{one.part}: {one.trouble.lower()}." for one in seen)]


def _paused(stop: StopTerms) -> str:
    what = "This workspace" if stop.tenant_id else stop.model or "Image generation"
    since = f"{what} is paused since {stop.began_at:%-d %B, %H:%M} UTC"
    return f"{since}: {stop.words}" if stop.words else f"{since}."
