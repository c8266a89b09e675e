"""The way out of a refusal: the page on which this member can change what stopped it."""

from dataclasses import dataclass

from django.urls import reverse

from accounts.models import ApiKey
from console.workspace.access import May, Workspace
from pictor.kit.errors import InsufficientQuota, PictorError


@dataclass(frozen=True, slots=True)
class Way:
    """A link to that page."""

    words: str
    url: str


def way_out(workspace: Workspace, key: ApiKey, refusal: PictorError | None) -> Way | None:
    """To the balance or the budget that was too low; None where there is none, or not for them."""
    if not isinstance(refusal, InsufficientQuota):
        return None
    ways = {
        "balance": (May.SEE_MONEY, "Billing", "billing", ()),
        "workspace": (May.MANAGE, "The workspace's budgets", "settings", ()),
        "key": (May.SEE_KEYS, "The key's budget", "key", (key.public_id,)),
    }
    may, words, page, ids = ways[refusal.limit]
    if may not in workspace.may:
        return None
    return Way(words, reverse(f"workspace:{page}", args=[workspace.tenant.public_id, *ids]))
