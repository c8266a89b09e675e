"""The act that deletes a model that was never on."""

from django.urls import reverse

from console.ops.access import Permission
from console.parts.acts import About, Act, ActResult, Asked, Preview, typed_name
from generation.catalogue import services
from generation.models import Contract
from generation.selectors import contract_by_name

MODEL = About[Contract](
    kind="model",
    find=contract_by_name,
    words=lambda contract: contract.model,
    page=lambda contract: reverse("ops:model", args=[contract.model]),
)


def _effect(asked: Asked[Contract]) -> Preview:
    return Preview(
        stops=services.why_kept(asked.subject), confirmation=typed_name(asked.subject.model)
    )


def _delete(asked: Asked[Contract]) -> ActResult:
    services.delete_contract(model=asked.subject.model, **asked.by)
    return ActResult(words=f"{asked.subject.model} is deleted", page=reverse("ops:models"))


ACTS = (
    Act(
        name="model.delete", verb="Delete", lead="{} goes for good, if it was never on.",
        about=MODEL, needs=Permission.CHANNELS, audit="contract.delete", preview=_effect,
        do=_delete, is_dangerous=True,
    ),
)  # fmt: skip
