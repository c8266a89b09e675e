"""Acts on many generations: all chosen ones refunded, every tenant of an outage credited."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import reverse
from typing_extensions import override

from billing.selectors.office.balances import balances_of
from billing.selectors.office.refunds_given import charge_sums_of
from billing.services.office.moves import is_typed_twice
from billing.services.office.second_person import why_it_waits
from console.amounts import amount
from console.ops.access import Permission
from console.ops.generations.acts import GENERATION, TOO_LARGE, giver_of
from console.ops.generations.lists import CLASSES, GENERATIONS
from console.ops.reasons import note_field, words_field
from console.parts.acts import (
    Act,
    ActForm,
    ActResult,
    Asked,
    Change,
    ItemResult,
    Preview,
    typed_number,
)
from console.parts.form_fields import DollarsField, HiddenListField, MomentField
from console.parts.listing import Search
from console.parts.page_query import refuse, word_of
from console.parts.sentences import counted
from generation.catalogue.snapshot import current_catalogue
from generation.models import Generation, State
from generation.oversight.compensation import refund_each, refunds_by
from generation.oversight.outages import Outage, credit_all, hit_by, why_they_wait
from generation.oversight.searching.generations import page_across
from generation.selectors import channel_names, generations_among
from pictor.kit.words import ids
from pictor.kit.words.money import Micros

MAX_AT_ONCE = 500
HIT_NOBODY = "No tenant that is not credited yet was hit in that time."


class BulkForm(ActForm):
    generation = HiddenListField(most=MAX_AT_ONCE, label="id of a generation")
    note = note_field()
    words = words_field(
        "Words for the customers",
        required=False,
        help_text="In each ledger. Empty: the entry only names the generation.",
    )

    def clean_generation(self) -> Sequence[str]:
        """Return the ids; each must be known, or a refund would be left out unsaid."""
        texts: Sequence[str] = self.cleaned_data["generation"]
        if unknown := {*texts} - {made.public_id for made in _made(texts)}:
            raise ValidationError(f"There is no generation {min(unknown)[:100]!r}.")
        return texts


Chosen = Sequence[tuple[Generation, Micros]]
"""Generations, each with the amount that can be refunded."""


def _with_left(generations: Sequence[Generation]) -> Chosen:
    tenants = {generation.tenant_id for generation in generations}
    sums = charge_sums_of([generation.id for generation in generations], tenants=tenants)
    return [(generation, sums[generation.id].left) for generation in generations]


def _made(texts: Sequence[str]) -> Sequence[Generation]:
    found = [ids.parse(ids.GENERATION, text) for text in texts]
    return generations_among([one for one in found if one])


def _named(texts: Sequence[str]) -> Chosen:
    return _with_left(_made(texts))


def _matching(query: QueryDict) -> Chosen:
    """What the list of generations shows for the address, as far as it was delivered."""
    search = Search(GENERATIONS, query)
    sought = search.query
    if sought is None or search.complaints or sought.state not in {"", State.SUCCEEDED}:
        return []
    delivered = replace(sought, state=State.SUCCEEDED)
    return _with_left(page_across(delivered, limit=MAX_AT_ONCE).rows)


def _bulk_initial(asked: Asked[None], query: QueryDict) -> dict[str, Any]:
    texts = query.getlist("generation")[:MAX_AT_ONCE]
    chosen = _matching(query) if word_of(query, "all", ["1"]) else _named(texts)
    if len(chosen) < len({*texts}):
        refuse(query, "generation")
    wanted = [generation.public_id for generation, left in chosen if left]
    return {"generation": wanted, "left_out": len(chosen) - len(wanted)}


def _bulk_preview(asked: Asked[None]) -> Preview | None:
    if "generation" not in asked.data:
        return None
    found = _named(asked.data["generation"])
    # What this form refunded already counts as it was shown: sent twice, it answers the same.
    done = refunds_by(asked.once, [made for made, _ in found])
    chosen = [
        (made, Micros(done[made.id].amount) if made.id in done else left) for made, left in found
    ]
    total, waits = sum(left for _, left in chosen), _why_they_wait(chosen, asked)
    tenants, left_out = len({made.tenant_id for made, _ in chosen}), asked.data.get("left_out", 0)
    number = counted(len(chosen), "generation")
    notes = [
        f"{number}, {counted(tenants, 'tenant')}, refunds {amount(total)}.",
        *([f"{left_out} have nothing to refund and are left out."] if left_out else []),
        *([f"{MAX_AT_ONCE} is the most at once."] if len(chosen) == MAX_AT_ONCE else []),
        *([f"{waits}."] if waits else []),
    ]
    return Preview(
        notes=notes,
        items=[_item(made, left) for made, left in chosen],
        stops="" if total else "No charge is left to refund.",
        confirmation=typed_number(len(chosen), "Type the number of generations"),
        verb=f"{'Ask for' if waits else 'Refund'} {amount(total)}",
        of=sorted((made.public_id, left) for made, left in chosen),
        targets=[made for made, _ in chosen],
    )


def _item(made: Generation, left: Micros) -> Change:
    return Change(f"{made.public_id} {made.tenant.name}", "", amount(left))


def _why_they_wait(chosen: Chosen, asked: Asked[None]) -> str:
    amounts = Counter[UUID]()
    for made, left in chosen:
        amounts[made.tenant_id] += left
    actor = asked.by["actor"]
    return why_it_waits(amounts, actor=actor, now=asked.now, total=amounts.total())


def _refund_all(asked: Asked[None]) -> ActResult:
    why = _why_they_wait(_with_left(asked.targets), asked)
    refunds = refund_each(
        once=asked.once, generations=asked.targets, words=asked.data["words"],
        note=asked.data["note"], giver=giver_of(asked), now=asked.now,
    )  # fmt: skip
    given = sum(one.amount for one in refunds if not one.waits)
    waiting = sum(one.amount for one in refunds if one.waits)
    words = [f"Refunded {amount(given)}"] if given or not waiting else []
    words += [f"{amount(waiting)} waits for another person, under Waiting"] if waiting else []
    words += [why] if waiting and why else []
    results = [
        _result(f"{one.generation.public_id} {one.generation.tenant.name}", one, "refunded",
                GENERATION.page(one.generation))
        for one in refunds
    ]  # fmt: skip
    return ActResult(words=". ".join(words), results=results)


def _result(words: str, one: Any, done: str, link: str) -> ItemResult:
    """How it ended for one: refused, waiting, or done; each with its amount."""
    if one.refusal:
        return ItemResult(words, "bad", f"Not {done}", one.refusal, link)
    if one.waits:
        return ItemResult(words, "warn", "Waits for another person", amount(one.amount), link)
    return ItemResult(words, "ok", done.capitalize(), amount(one.amount), link)


class OutageForm(ActForm):
    since = MomentField(label="From")
    until = MomentField(label="To")
    model = forms.ChoiceField(label="Model", required=False)
    channel = forms.ChoiceField(label="Channel", required=False)
    attempt_class = forms.ChoiceField(
        label="Attempt ended as", required=False, choices=[("", "Any"), *CLASSES.items()]
    )
    each = DollarsField(
        label="Each gets, USD", help_text="Empty: the price quoted for its failed requests."
    )
    note = note_field()
    words = words_field("Words for the customers")

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = {"model": current_catalogue().contracts, "channel": channel_names()}
        for name, choices in names.items():
            options = [("", "Any"), *((one, one) for one in choices)]
            self.fields[name] = forms.ChoiceField(
                label=name.capitalize(), required=False, choices=options
            )

    def clean_each(self) -> Micros | None:
        """Return the amount for each tenant; None credits what its requests were quoted."""
        each: Micros | None = self.cleaned_data["each"]
        if each is not None and is_typed_twice(each):
            raise ValidationError(TOO_LARGE)
        return each


def _last_hour(asked: Asked[None], query: QueryDict) -> dict[str, Any]:
    until = asked.now.replace(second=0, microsecond=0)
    return {"since": until - timedelta(hours=1), "until": until, **query.dict()}


_NAMES = ("since", "until", "model", "channel", "attempt_class")


def _outage_of(asked: Asked[None]) -> Outage:
    return Outage(**{name: asked.data[name] for name in _NAMES})


def _outage_preview(asked: Asked[None]) -> Preview | None:
    data = asked.data
    if asked.is_looked_at or not {*_NAMES, "each"} <= {*data}:
        return None
    hits, each = hit_by(_outage_of(asked), now=asked.now), data["each"]
    if not hits:  # a mistyped time perhaps: the form stays
        raise ValidationError(HIT_NOBODY)
    available = balances_of([hit.tenant.id for hit in hits])
    due = [hit for hit in hits if hit.due(each)]
    total = Micros(sum(hit.due(each) for hit in due))
    waits = why_they_wait(hits, each, actor=asked.by["actor"], now=asked.now)
    items = [
        Change(
            f"{hit.tenant.name}: {hit.failed} failed, quoted {amount(hit.quoted)}"
            f"{f', {amount(hit.before)} credited before' if hit.before else ''}",
            amount(available[hit.tenant.id]),
            amount(available[hit.tenant.id] + hit.due(each)),
        )
        for hit in hits
    ]
    return Preview(
        notes=[
            f"{counted(len(due), 'tenant')}, credits {amount(total)}.",
            *([f"{waits}."] if waits else []),
        ],
        items=items,
        stops="" if due else HIT_NOBODY,
        confirmation=typed_number(len(due), "Type the number of tenants"),
        verb=f"{'Ask for' if waits else 'Credit'} {amount(total)}",
        of=sorted((hit.tenant.public_id, hit.due(each)) for hit in due),
        targets=hits,
    )


def _credit_outage(asked: Asked[None]) -> ActResult:
    data = asked.data
    credited = credit_all(
        once=asked.once, outage=_outage_of(asked), hits=asked.targets, each=data["each"],
        words=data["words"], note=data["note"], giver=giver_of(asked), now=asked.now,
    )  # fmt: skip
    results = [
        _result(one.hit.tenant.name, one, "credited",
                reverse("ops:tenant", args=[one.hit.tenant.public_id]))
        for one in credited
    ]  # fmt: skip
    number = sum(not one.refusal for one in credited)
    return ActResult(words=f"{counted(number, 'tenant')} credited or waiting", results=results)


ACTS: tuple[Act[Any], ...] = (
    Act(
        name="generations.refund",
        verb="Refund",
        lead="Each generation is refunded in full, minus earlier refunds.",
        home="ops:generations",
        needs=Permission.MONEY,
        audit="balance.refund",
        form=BulkForm,
        initial=_bulk_initial,
        preview=_bulk_preview,
        do=_refund_all,
        is_dangerous=True,
    ),
    Act(
        name="outage.credit",
        verb="Credit an outage",
        lead="One credit for every tenant whose accepted requests failed through a fault of the"
        " service. No tenant gets a second credit for any part of that time.",
        home="ops:generations",
        needs=Permission.MONEY,
        audit="balance.credit",
        form=OutageForm,
        initial=_last_hour,
        preview=_outage_preview,
        do=_credit_outage,
        is_dangerous=True,
    ),
)
