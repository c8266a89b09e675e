"""A workspace's pages for the navigation, the search, and keyboard shortcuts."""

from collections.abc import Mapping
from types import MappingProxyType

from django.urls import reverse

from console.parts.places import Groups, KnownPage, Place, places_by_heading
from console.workspace.access import Permission, Workspace

_GROUPS: Groups = {
    "Build": (
        KnownPage("Overview", "overview", None, "g o"),
        KnownPage("Playground", "playground", Permission.GENERATE, "g p", holds_more=True),
        KnownPage("Generations", "generations", Permission.SEE_GENERATIONS, "g r", holds_more=True),
        KnownPage("Keys", "keys", Permission.SEE_KEYS, "g k", holds_more=True),
        KnownPage("Webhooks", "webhooks", Permission.WEBHOOKS, "g w", holds_more=True),
    ),
    "Measure": (
        KnownPage("Usage", "usage", None, "g u"),
        KnownPage("Billing", "billing", Permission.SEE_MONEY, "g b", holds_more=True),
        KnownPage("Ledger", "ledger", Permission.SEE_MONEY),
        KnownPage("Statements", "statements", Permission.SEE_MONEY, holds_more=True),
        KnownPage("Prices", "prices", Permission.SEE_MONEY),
    ),
    "Manage": (
        KnownPage("Members", "members", Permission.MANAGE),
        KnownPage("Audit log", "audit", Permission.SEE_AUDIT),
        KnownPage("Settings", "settings", Permission.MANAGE, holds_more=True),
    ),
}
_NEW_KEY = KnownPage("Create key", "key_new", Permission.MAKE_KEYS, "n")


def groups_of(workspace: Workspace) -> dict[str, list[Place]]:
    """The pages that a member may open, in the navigation's groups, with what needs care there."""
    # Of what was read anyway: the navigation is on every page.
    has_no_money = workspace.balance.owed > 0 or workspace.available <= 0
    care = {"webhooks": workspace.failing_webhooks, "billing": int(has_no_money)}
    return _open_to(workspace, _GROUPS, care)


def places_of(workspace: Workspace) -> list[Place]:
    """The same pages in one list, and the actions available everywhere."""
    groups = _open_to(workspace, {**_GROUPS, "": [_NEW_KEY]})
    return [place for places in groups.values() for place in places]


def _open_to(
    workspace: Workspace, groups: Groups, care: Mapping[str, int] = MappingProxyType({})
) -> dict[str, list[Place]]:
    tenant = workspace.tenant.public_id
    return places_by_heading(
        groups, workspace.may, lambda name: reverse(f"workspace:{name}", args=[tenant]), care
    )
