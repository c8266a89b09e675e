"""The way out of a refusal: the page on which this member can lift the limit."""

from dataclasses import dataclass

from django.urls import reverse

from accounts.models import ApiKey
from console.workspace.access import May, Workspace
from pictor.kit.words.errors import InsufficientQuota, ModelForbidden, PictorError


@dataclass(frozen=True, slots=True)
class Way:
    """A link to that page."""

    words: str
    url: str


def way_out(workspace: Workspace, key: ApiKey, refusal: PictorError | None) -> Way | None:
    """The link to the balance, budget or list of models; None if the member may not open it."""
    match refusal:
        case InsufficientQuota(limit=limit):
            ways = {
                "balance": (May.SEE_MONEY, "Billing", "billing"),
                "workspace": (May.MANAGE, "The workspace's budgets", "settings"),
                "key": (May.SEE_KEYS, "The key's budget", "key"),
                "storage": (May.MANAGE, "What is kept", "settings"),
            }
        case ModelForbidden(limit=limit):
            ways = {
                "workspace": (May.MANAGE, "The workspace's models", "settings"),
                "key": (May.SEE_KEYS, "The key's models", "key"),
            }
        case _:
            return None
    may, words, page = ways.get(limit, (None, "", ""))
    if may not in workspace.may:
        return None
    about = [key.public_id] if page == "key" else []
    return Way(words, reverse(f"workspace:{page}", args=[workspace.tenant.public_id, *about]))
