"""The acts on models: write one from its file, switch it on or off, delete one never on."""

from functools import partial

from django.urls import reverse

from billing.price_stops import Confirmed
from console.ops.access import Mode, Permission
from console.ops.models.importing import IMPORT
from console.ops.models.one import facts_of
from console.ops.reasons import words_field
from console.parts.acts import (
    About,
    Act,
    ActForm,
    ActResult,
    Asked,
    Preview,
    typed_name,
    typed_number,
)
from console.parts.sentences import sentence
from generation.catalogue import services
from generation.models import Contract
from generation.selectors import contract_by_name

MODEL = About[Contract](
    kind="model",
    find=contract_by_name,
    words=lambda contract: contract.model,
    page=lambda contract: reverse("ops:model", args=[contract.model]),
)


class OfferForm(ActForm):
    """Why a model is offered although a price is below cost."""

    reason = words_field("Reason", required=False, help_text="Needed for a price below cost.")


def _switched(contract: Contract) -> str:
    return f"{contract.model} is switched {'on' if contract.is_enabled else 'off'}"


def _offered(asked: Asked[Contract]) -> Preview:
    facts = facts_of(asked.subject.model, Mode.LIVE)
    priced = f"{facts.priced} of {facts.cells} cells have a price."
    unmade = [f"No channel makes {', '.join(facts.unmade)}."] if facts.unmade else []
    below = services.stops_of_offer(asked.subject.model).below
    return Preview(
        stops=" ".join(map(sentence, facts.lacks)),
        notes=[priced, f"Served by {', '.join(one.channel for one in facts.serving)}."],
        warnings=[*unmade, *(f"Below cost: {one}." for one in below)],
        confirmation=typed_number(len(below), "Type the number of prices below cost")
        if below
        else None,
        targets=len(below) or None,
    )


def _not_offered(asked: Asked[Contract]) -> Preview:
    facts = facts_of(asked.subject.model, Mode.LIVE)
    used = facts.used(asked.now)
    unannounced = bool(used) and not asked.subject.sunset_at
    return Preview(
        notes=["Accepted requests are finished. It can be switched on again at any time."],
        warnings=["Its users notice only by a failed request: announce its end."] * unannounced,
        part="ops/model_used.html",
        context={"facts": facts, "used": used},
        lines=[used] if used else [],
        of=asked.subject.pk,
    )


def _switch(asked: Asked[Contract], *, is_offered: bool) -> ActResult:
    confirmed = Confirmed(asked.data.get("reason", ""), below_cost=asked.targets)
    model = services.set_offered(
        model=asked.subject.model, is_offered=is_offered, confirmed=confirmed, **asked.by
    )
    return ActResult(words=_switched(model))


def _effect(asked: Asked[Contract]) -> Preview:
    return Preview(
        stops=services.why_kept(asked.subject), confirmation=typed_name(asked.subject.model)
    )


def _delete(asked: Asked[Contract]) -> ActResult:
    services.delete_contract(model=asked.subject.model, **asked.by)
    return ActResult(words=f"{asked.subject.model} is deleted", page=reverse("ops:models"))


ACTS = (
    IMPORT,
    Act(
        name="model.enable", verb="Switch on",
        lead="{} can be asked for from the next request on, and is listed with its prices.",
        about=MODEL, form=OfferForm, needs=Permission.CHANNELS, audit="contract.enable",
        already=lambda asked: _switched(asked.subject) if asked.subject.is_enabled else "",
        preview=_offered, do=partial(_switch, is_offered=True),
    ),
    Act(
        name="model.disable", verb="Switch off",
        lead="{} answers 404 model_not_found from the next request on, and is no longer listed.",
        about=MODEL, needs=Permission.CHANNELS, audit="contract.disable",
        already=lambda asked: "" if asked.subject.is_enabled else _switched(asked.subject),
        preview=_not_offered, do=partial(_switch, is_offered=False), is_dangerous=True,
    ),
    Act(
        name="model.delete", verb="Delete", lead="{} goes for good, if it was never on.",
        about=MODEL, needs=Permission.CHANNELS, audit="contract.delete", preview=_effect,
        do=_delete, is_dangerous=True,
    ),
)  # fmt: skip
