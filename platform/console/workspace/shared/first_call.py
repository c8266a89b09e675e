"""The first call from code, for a model that the key may really use."""

from accounts.models import ApiKey
from console.workspace.access import Workspace
from console.workspace.shared.choices import draft_of
from console.workspace.shared.snippets import curl, curl_of_models
from generation.catalogue.contracts import ContractTerms
from pictor.kit.words import clock

EXAMPLE = {"prompt": "A brass astrolabe on linen", "quality": "low"}


def models_of(workspace: Workspace, key: ApiKey | None = None) -> list[ContractTerms]:
    """The models offered to the workspace; with a key, those it may request and is served."""
    catalogue = workspace.catalogue
    lists = [workspace.tenant.own_models, key.allowed_models if key else None]
    limits = [limit for limit in lists if limit is not None]
    on_offer = catalogue.on_offer(clock.now())
    offered = [
        contract for contract in on_offer if all(contract.model in limit for limit in limits)
    ]
    if key is None:
        return offered
    return [
        contract
        for contract in offered
        if catalogue.routes_for(contract.model, livemode=not key.is_test)
    ]


def first_call(origin: str, workspace: Workspace, key: ApiKey | None, text: str = "") -> str:
    """The shell command for this key: an image, or the list of models, or "" if it may do neither.

    `text` is the key itself, if it may be shown; otherwise its visible prefix is used.
    """
    shown = text or (f"{key.visible_prefix}…" if key else "…")
    models = models_of(workspace, key) if key is None or "images:write" in key.scopes else []
    if not models and key is not None and "images:read" not in key.scopes:
        return ""
    call = curl(origin, draft_of(EXAMPLE, models).body) if models else curl_of_models(origin)
    return f"export PICTOR_API_KEY={shown}\n{call}"
