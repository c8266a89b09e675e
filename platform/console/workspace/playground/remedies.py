"""The way out of a refusal: the page on which this member can lift the limit."""

from dataclasses import dataclass

from django.urls import reverse

from accounts.models import ApiKey
from console.workspace.access import Permission, Workspace
from pictor.kit.words.errors import InsufficientQuota, ModelForbidden, PictorError


@dataclass(frozen=True, slots=True)
class Remedy:
    words: str
    url: str


def remedy_for(workspace: Workspace, key: ApiKey, refusal: PictorError | None) -> Remedy | None:
    """The link to the balance, budget or list of models; None if the member may not open it."""
    match refusal:
        case InsufficientQuota(limit=limit):
            ways = {
                "balance": (Permission.SEE_MONEY, "Billing", "billing"),
                "owed": (Permission.SEE_MONEY, "Billing", "billing"),
                "workspace": (Permission.MANAGE, "The workspace's budgets", "settings"),
                "key": (Permission.SEE_KEYS, "The key's budget", "key"),
                "storage": (Permission.MANAGE, "What is kept", "settings"),
            }
        case ModelForbidden(limit=limit):
            ways = {
                "workspace": (Permission.MANAGE, "The workspace's models", "settings"),
                "key": (Permission.SEE_KEYS, "The key's models", "key"),
            }
        case _:
            return None
    may, words, page = ways.get(limit, (None, "", ""))
    if may not in workspace.may:
        return None
    about, tab = ([key.public_id], "?tab=rules") if page == "key" else ([], "")
    url = reverse(f"workspace:{page}", args=[workspace.tenant.public_id, *about])
    return Remedy(words, url + tab)
