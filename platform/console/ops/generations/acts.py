"""Acts on generations: refunded, credited, ended; many refunded, and an outage credited."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import reverse
from typing_extensions import override

from accounts.ledger import Window
from billing.models import MoneyMove
from billing.selectors.office.balances import available_after, available_to
from billing.selectors.office.moves import credited_for, moves_among
from billing.selectors.office.refunds_given import ChargeSums, charge_sums_of
from billing.services.office.moves import is_typed_twice, max_compensation_per_day
from billing.services.office.second_person import why_it_waits
from console.amounts import amount
from console.ops.access import Permission
from console.ops.reasons import note_field, words_field
from console.ops.second_person import waiting_words
from console.parts.acts import About, Act, ActForm, ActResult, Asked, Change, Preview
from console.parts.filters import amount_of
from console.parts.form_fields import DollarsField
from console.parts.sentences import capitalised
from generation.models import Generation, State
from generation.oversight import compensation, interventions
from generation.oversight.compensation import Gift, Giver
from generation.oversight.inspection import called_for
from generation.oversight.interventions import EndedAsFailed
from generation.selectors import generation_for_operator
from pictor.kit.words.money import Micros, in_dollars, to_decimal

TOO_LARGE = "Give an amount this large on the tenant's page, where it is typed twice."
GENERATION = About[Generation](
    kind="generation",
    find=generation_for_operator,
    words=lambda generation: generation.public_id,
    page=lambda generation: reverse("ops:generation", args=[generation.public_id]),
)


class GiftForm(ActForm):
    amount = DollarsField(
        label="Amount, USD", error_messages={"too_little": "Type an amount above 0."}
    )
    note = note_field()
    words = words_field(
        required=False, help_text="In its ledger. Empty: the entry only names the generation."
    )

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = max_compensation_per_day(self.asked.by["actor"])
        self.fields["amount"].help_text = f"You may give {amount(most)} a day." if most else ""

    def clean_amount(self) -> Micros:
        """Raise ValidationError for no amount, or for one that belongs on the tenant's page."""
        amount: Micros | None = self.cleaned_data["amount"]
        if amount is None:
            raise ValidationError("Type an amount in dollars, such as 0.05.")
        if is_typed_twice(amount):
            raise ValidationError(TOO_LARGE)
        return amount


def giver_of(asked: Asked[Any]) -> Giver:
    """Who asks, with the limit of their day."""
    return Giver(**asked.by, max_per_day=max_compensation_per_day(asked.by["actor"]))


@dataclass(frozen=True)
class Giving:
    """A refund or a credit of one generation.

    Attributes:
        usual: the proposed amount.
        refusal: returns the reason why a generation cannot get it; empty if it can.
    """

    name: str
    verb: str
    done: str
    lead: str
    audit: str
    give: Callable[..., MoneyMove]
    usual: Callable[[Generation, ChargeSums], int]
    refusal: Callable[[Generation, ChargeSums], str]

    def act(self) -> Act[Generation]:
        return Act(
            name=f"generation.{self.name}", verb=self.verb, lead=self.lead, about=GENERATION,
            needs=Permission.REFUND, audit=self.audit, form=GiftForm, initial=self.initial,
            preview=self.preview, do=self.do,
        )  # fmt: skip

    def initial(self, asked: Asked[Generation], query: QueryDict) -> dict[str, Any]:
        named = amount_of(query.get("amount", ""))
        return {"amount": named or self.usual(asked.subject, _sums(asked.subject))}

    def preview(self, asked: Asked[Generation]) -> Preview | None:
        generation, wanted = asked.subject, asked.data.get("amount")
        sums = _sums(generation)
        refusal = self.refusal(generation, sums) if asked.is_looked_at else ""
        if refusal or not wanted:
            return Preview(stops=refusal) if refusal else None
        # A form sent twice is no second refund.
        is_beyond = self.name == "refund" and wanted > sums.left
        if is_beyond and not moves_among([asked.once]):
            raise ValidationError(f"Only {in_dollars(sums.left)} of it is charged and not refunded")
        before, called = available_to(generation.tenant_id), called_for([generation.id])
        margin = sums.left - called[generation.id].known_cost - sums.credited
        is_known = not called[generation.id].unknown
        margins = (amount(margin), amount(margin - wanted)) if is_known else ("", "unknown")
        waits = self._why_it_waits(asked)
        return Preview(
            changes=[
                Change(generation.tenant.name, amount(before), amount(before + wanted)),
                Change("Margin", *margins),
            ],
            notes=[f"{waits}."] if waits else [],
            warnings=_credited_before(generation, sums),
            of=wanted,
        )

    def do(self, asked: Asked[Generation]) -> ActResult:
        generation, data = asked.subject, asked.data
        waits, gift = self._why_it_waits(asked), Gift(data["amount"], data["words"], data["note"])
        move = self.give(
            once=asked.once, generation=generation, gift=gift, giver=giver_of(asked), now=asked.now
        )
        facts = {"generation": generation.public_id, "move": str(move.id)}
        if move.transfer_id is None:
            return ActResult(words=waiting_words(move.amount, waits), facts=facts)
        after = available_after(move.transfer_id)
        effect = f"{in_dollars(after - move.amount)} → {in_dollars(after)}"
        return ActResult(
            words=f"{in_dollars(move.amount)} {self.done}: {generation.tenant.name} {effect}",
            facts={**facts, self.done: to_decimal(move.amount), "available": to_decimal(after)},
        )

    def _why_it_waits(self, asked: Asked[Generation]) -> str:
        amounts = {asked.subject.tenant_id: asked.data["amount"]}
        return why_it_waits(amounts, actor=asked.by["actor"], now=asked.now)


def _sums(generation: Generation) -> ChargeSums:
    return charge_sums_of([generation.id], tenants=[generation.tenant_id])[generation.id]


def _credited_before(generation: Generation, sums: ChargeSums) -> list[str]:
    """Sentences about credits that it, or an outage at its time, got before."""
    made, tenant = generation.created_at, generation.tenant_id
    moment = Window(made, made + timedelta(microseconds=1), generation.model)
    covered = credited_for(moment, tenants=[tenant], now=made).get(tenant)
    twice = "A second credit is possible only if that one is reversed."
    return [
        *([f"{amount(sums.credited)} was already credited for it. {twice}"] * bool(sums.credited)),
        *([f"{amount(covered)} already cover an outage at that time."] if covered else []),
    ]


def _credit_refusal(generation: Generation, _: ChargeSums) -> str:
    if generation.livemode and generation.state in {State.FAILED, State.CANCELED}:
        return ""
    return "Only a generation that failed or was canceled, uncharged, can get a credit."


class EndReasonForm(ActForm):
    reason = note_field()


@dataclass(frozen=True)
class Ending:
    """A way to end a generation; `refusal` says why it is not for one, empty if it is."""

    name: str
    verb: str
    done: str
    lead: str
    end: Callable[..., EndedAsFailed]
    refusal: Callable[[Generation], str]

    def act(self) -> Act[Generation]:
        return Act(
            name=f"generation.{self.name}", verb=self.verb, lead=self.lead, about=GENERATION,
            form=EndReasonForm, needs=Permission.GENERATIONS, audit=f"generation.{self.name}",
            preview=self.preview, do=self.do, is_dangerous=True,
        )  # fmt: skip

    def preview(self, asked: Asked[Generation]) -> Preview:
        effect = end_effect(interventions.expected_result(asked.subject), will=True)
        why = self.refusal(asked.subject) if asked.is_looked_at else ""
        return Preview(notes=[f"{capitalised(effect)}."], stops=why, of=())

    def do(self, asked: Asked[Generation]) -> ActResult:
        reason, now = asked.data["reason"], asked.now
        ended = self.end(generation=asked.subject, reason=reason, now=now, **asked.by)
        may_bill = [
            {"channel": call.channel, "cost": None if call.cost is None else to_decimal(call.cost)}
            for call in ended.may_bill
        ]
        facts = {"generation": asked.subject.public_id, "released": to_decimal(ended.released)}
        words = f"{self.done}: {end_effect(ended)}"
        return ActResult(words=words, facts={**facts, "may_bill": may_bill})


def _not_queued(generation: Generation) -> str:
    if generation.state == State.QUEUED:
        return ""
    return (
        "It has ended."
        if generation.is_final
        else "It has been started: only End as failed ends what runs."
    )


def end_effect(ended: EndedAsFailed, *, will: bool = False) -> str:
    """Describe the amount released, and the channels that may still bill a call."""
    released = in_dollars(ended.released)
    calls = [
        f"{call.channel} may still bill"
        f" {'nobody knows how much' if call.cost is None else in_dollars(call.cost)}"
        for call in ended.may_bill
    ]
    return "; ".join([f"releases {released}" if will else f"{released} released", *calls])


def _ring(asked: Asked[Generation]) -> ActResult:
    if asked.subject.state != State.QUEUED:
        raise ValidationError("It is no longer queued, so no worker was notified.")
    interventions.ring_again(asked.subject)
    return ActResult(words="Rung again: an image worker was notified")


ACTS: tuple[Act[Any], ...] = (
    Giving(
        "refund",
        "Refund",
        "refunded",
        "What was charged and not yet refunded goes back to the balance.",
        "balance.refund",
        compensation.refund,
        lambda _, sums: sums.left,
        lambda _, sums: "" if sums.left else "It has no charge left to refund.",
    ).act(),
    Giving(
        "credit",
        "Credit",
        "credited",
        "It was charged nothing; its quote is proposed.",
        "balance.credit",
        compensation.credit,
        lambda generation, _: generation.held_micros,
        _credit_refusal,
    ).act(),
    Ending(
        "cancel",
        "Cancel",
        "Canceled",
        "It is queued, and no worker has taken it. Its caller is told that it was canceled.",
        lambda **facts: EndedAsFailed(interventions.cancel(**facts), ()),
        _not_queued,
    ).act(),
    Ending(
        "fail",
        "End as failed",
        "Ended as failed",
        "Its caller is not charged, and gets an error that says the operator ended it. Images of"
        " calls in flight are not delivered.",
        interventions.end_as_failed,
        lambda generation: "It has ended." if generation.is_final else "",
    ).act(),
    Act(
        name="generation.ring",
        verb="Ring again",
        lead="An image worker is notified again.",
        about=GENERATION,
        needs=Permission.GENERATIONS,
        audit="",
        do=_ring,
        not_fresh="a worker looks at work that was accepted and waits",
    ),
)
