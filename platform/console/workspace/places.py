"""A workspace's pages for the navigation, the search, and keyboard shortcuts."""

from dataclasses import dataclass

from django.urls import reverse

from console.parts.places import Place
from console.workspace.access import Permission, Workspace


@dataclass(frozen=True, slots=True)
class _Known:
    """A page of every workspace, for members with this permission."""

    title: str
    name: str
    needs: Permission | None
    keys: str = ""
    holds_more: bool = False


_GROUPS = {
    "Build": (
        _Known("Overview", "overview", None, "g o"),
        _Known("Playground", "playground", Permission.GENERATE, "g p"),
        _Known("Generations", "generations", Permission.SEE_GENERATIONS, "g r", holds_more=True),
        _Known("Keys", "keys", Permission.SEE_KEYS, "g k", holds_more=True),
        _Known("Webhooks", "webhooks", Permission.WEBHOOKS, "g w", holds_more=True),
    ),
    "Measure": (
        _Known("Usage", "usage", None, "g u"),
        _Known("Billing", "billing", Permission.SEE_MONEY, "g b"),
        _Known("Ledger", "ledger", Permission.SEE_MONEY),
        _Known("Statements", "statements", Permission.SEE_MONEY, holds_more=True),
        _Known("Prices", "prices", Permission.SEE_MONEY),
    ),
    "Manage": (
        _Known("Members", "members", Permission.MANAGE),
        _Known("Audit log", "audit", Permission.SEE_AUDIT),
        _Known("Settings", "settings", Permission.MANAGE, holds_more=True),
    ),
}
_NEW_KEY = _Known("Create key", "key_new", Permission.MAKE_KEYS, "n")


def groups_of(workspace: Workspace) -> dict[str, list[Place]]:
    """The pages that a member may open, in the navigation's groups."""
    groups = {title: _open_to(workspace, known) for title, known in _GROUPS.items()}
    return {title: places for title, places in groups.items() if places}


def places_of(workspace: Workspace) -> list[Place]:
    """The same pages in one list, and the actions available everywhere."""
    inside = [place for places in groups_of(workspace).values() for place in places]
    return [*inside, *_open_to(workspace, (_NEW_KEY,))]


def _open_to(workspace: Workspace, known: tuple[_Known, ...]) -> list[Place]:
    tenant = workspace.tenant.public_id
    return [
        Place(
            place.title,
            reverse(f"workspace:{place.name}", args=[tenant]),
            place.keys,
            place.holds_more,
        )
        for place in known
        if place.needs is None or place.needs in workspace.may
    ]
