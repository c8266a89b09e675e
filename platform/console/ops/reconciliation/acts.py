"""Acts on vendors' bills and their lines: taken into the ledger, disputed, put back, picked."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.urls import reverse

from console.amounts import amount
from console.ops.access import Permission
from console.ops.reasons import StepForm, words_field
from console.ops.reconciliation.one import line_words, sought_by
from console.parts.acts import (
    About,
    Act,
    ActForm,
    ActResult,
    Asked,
    Change,
    ItemResult,
    Preview,
    typed_amount,
)
from console.parts.form_fields import HiddenListField
from console.parts.periods import number_of
from console.parts.sentences import counted
from generation.models import BillLine, VendorBill
from generation.oversight.bills import decisions, intake
from generation.oversight.bills.decisions import MAX_AT_ONCE
from generation.oversight.bills.listing import (
    LISTS,
    bill_numbered,
    in_reach,
    line_numbered,
    lines_numbered,
    lines_of,
    with_bill,
)
from pictor.kit.words.money import Micros, to_decimal

ALREADY = "These lines are already decided"


def _bill_page(number: int) -> str:
    return reverse("ops:bill", args=[number])


BILL = About[VendorBill](
    kind="bill",
    find=lambda text: bill_numbered(number_of(text) or 0),
    words=lambda bill: bill.name or f"Bill {bill.pk}",
    page=lambda bill: _bill_page(bill.pk),
)
LINE = About[BillLine](
    kind="line",
    find=lambda text: line_numbered(number_of(text) or 0),
    words=line_words,
    page=lambda line: _bill_page(line.bill_id),
)


class LinesForm(ActForm):
    """Lines of a bill, by their ids, or at the shell all of a list."""

    line = HiddenListField(most=MAX_AT_ONCE, label="id of a line")
    list = forms.ChoiceField(
        choices=[("", ""), *LISTS.items()], required=False, widget=forms.HiddenInput
    )


class TakeForm(LinesForm):
    reason = words_field("Reason", help_text="It appears in the ledger and the audit log.")


class DisputeForm(LinesForm):
    words = words_field(
        "Words for the vendor", help_text="They appear beside each line in the CSV."
    )


class PickForm(ActForm):
    """One of the calls that a line may be of."""

    call = forms.CharField(label="Call", max_length=40, widget=forms.HiddenInput)


Chosen = Callable[..., Any]
"""Selects the lines of a bill that can be decided so, among some."""


def _named(asked: Asked[VendorBill]) -> Any:
    """The lines that were named, or all of the list that was."""
    bill, data = asked.subject, asked.data
    if data.get("list"):
        return lines_of(bill, data["list"])
    return lines_numbered([number_of(text) or 0 for text in data.get("line", ())], bill=bill)


def _chosen(asked: Asked[VendorBill], chosen: Chosen) -> list[BillLine]:
    """Those of the named lines that can be decided so; a person at the shell may decide all."""
    limit = None if asked.is_at_the_shell and asked.data.get("list") else MAX_AT_ONCE
    return with_bill(chosen(asked.subject, _named(asked)), limit=limit)


def _initial(chosen: Chosen) -> Callable[[Asked[VendorBill], QueryDict], dict[str, Any]]:
    def lines(asked: Asked[VendorBill], query: QueryDict) -> dict[str, Any]:
        if "all" not in query:
            return {"line": query.getlist("line")[:MAX_AT_ONCE]}
        after = number_of(query.get("after", "")) or 0
        among, _ = in_reach(asked.subject, sought_by(query, asked.subject), after=after)
        wanted = with_bill(chosen(asked.subject, among), limit=MAX_AT_ONCE)
        return {"line": [str(line.pk) for line in wanted]}

    return lines


def _already(chosen: Chosen) -> Callable[[Asked[VendorBill]], str]:
    """The words for lines of which none is open, by a first click perhaps."""

    def words(asked: Asked[VendorBill]) -> str:
        bill = asked.subject
        is_named = bool(asked.data.get("line")) and not asked.is_at_the_shell
        is_matched = bill.state == VendorBill.State.READY
        decided = is_named and is_matched and not _chosen(asked, chosen)
        return ALREADY if decided and not asked.is_looked_at else ""

    return words


def _items(lines: Sequence[BillLine]) -> list[Change]:
    return [
        Change(
            f"{line_words(line)}, {line.item or line.model} {line.request_id}".rstrip(),
            amount(line.ours_micros),
            amount(line.theirs_micros),
        )
        for line in lines[:MAX_AT_ONCE]
    ]


def _sums(lines: Sequence[BillLine]) -> tuple[Micros, Micros]:
    """What we booked and what they charge."""
    ours = sum(line.ours_micros for line in lines)
    return Micros(ours), Micros(sum(line.theirs_micros for line in lines))


def _most(lines: Sequence[BillLine]) -> list[str]:
    return [f"{MAX_AT_ONCE} is the most at once."] if len(lines) == MAX_AT_ONCE else []


def _take_preview(asked: Asked[VendorBill]) -> Preview:
    decisions.check_matched(asked.subject.state)
    lines = _chosen(asked, decisions.takeable)
    ours, theirs = _sums(lines)
    change = Micros(theirs - ours)
    bulk = typed_amount(
        change,
        label="Type the change, USD",
        hint="",
        wrong=f"Type an amount such as 0.25 or -0.25. It changes the cost by {amount(change)}.",
    )
    left_out = decisions.left_out(asked.subject, _named(asked))
    return Preview(
        changes=[
            Change(f"Cost of {asked.subject.channel.name}", amount(ours), amount(theirs)),
        ],
        items=_items(lines),
        left_out=[(line_words(line), why) for line, why in left_out],
        notes=[f"{counted(len(lines), 'line')}, a change of {amount(change)}.", *_most(lines)],
        stops="" if lines else "Nothing to take.",
        confirmation=bulk if len(lines) > 1 else None,
        verb=f"Take {amount(change)}",
        targets=lines,
    )


def _take(asked: Asked[VendorBill]) -> ActResult:
    done = decisions.take(asked.targets, reason=asked.data["reason"], actor=asked.by["actor"])
    facts = {"taken": done.taken, "change": to_decimal(done.change), "before": done.before}
    words = f"{counted(done.taken + done.before, 'line')} taken: {amount(done.change)}"
    refused = [ItemResult(line_words(line), "bad", "Not taken", why) for line, why in done.refused]
    return ActResult(words=words, facts=facts, results=refused)


def _dispute_preview(asked: Asked[VendorBill]) -> Preview:
    decisions.check_matched(asked.subject.state)
    lines = _chosen(asked, decisions.disputable)
    ours, theirs = _sums(lines)
    words = (
        f"{counted(len(lines), 'line')}: they charge {amount(theirs)}, we booked {amount(ours)}."
    )
    return Preview(
        items=_items(lines),
        notes=[words, *_most(lines)],
        stops="" if lines else "Nothing to dispute: these lines are equal or taken.",
        targets=lines,
    )


def _dispute(asked: Asked[VendorBill]) -> ActResult:
    lines = lines_numbered([line.pk for line in asked.targets], bill=asked.subject)
    number = decisions.dispute(lines, words=asked.data["words"], **asked.by)
    return ActResult(words=f"{counted(number, 'line')} disputed", facts={"disputed": number})


def _back_preview(asked: Asked[BillLine]) -> Preview:
    change = amount(asked.subject.put_back_micros)
    return Preview(notes=[f"The cost changes by {change}, as another entry in the ledger."])


def _put_back(asked: Asked[BillLine]) -> ActResult:
    change = decisions.put_back(asked.subject, reason=asked.data["reason"], actor=asked.by["actor"])
    return ActResult(words=f"Put back: {amount(change)}", facts={"change": to_decimal(change)})


def _step(service: Callable[..., object], words: str) -> Callable[[Asked[Any]], ActResult]:
    """What an act does whose service takes the subject and the form's fields."""

    def do(asked: Asked[Any]) -> ActResult:
        service(asked.subject, **asked.data, **asked.by)
        return ActResult(words=words)

    return do


def _forget(asked: Asked[VendorBill]) -> ActResult:
    name = asked.subject.name
    intake.forget(asked.subject, **asked.by)
    return ActResult(words=f"{name} deleted", page=reverse("ops:reconciliation"))


def _of_bill(name: str, verb: str, lead: str, audit: str, **more: Any) -> Act[Any]:
    about = more.pop("about", BILL)
    return Act(
        name=f"bill.{name}", verb=verb, lead=lead, about=about, needs=Permission.MONEY,
        audit=audit, **more,
    )  # fmt: skip


ACTS = (
    _of_bill(
        "take",
        "Take lines",
        "The cost of each call becomes what the vendor charges, by an entry in the ledger. Prices"
        " and balances of customers stay.",
        "cost.correction",
        form=TakeForm,
        initial=_initial(decisions.takeable),
        already=_already(decisions.takeable),
        preview=_take_preview,
        do=_take,
        is_dangerous=True,
    ),
    _of_bill(
        "dispute",
        "Dispute lines",
        "Lines are marked, and nothing is booked. The list of disputed lines is a CSV for the"
        " vendor.",
        "bill.dispute",
        form=DisputeForm,
        initial=_initial(decisions.disputable),
        already=_already(decisions.disputable),
        preview=_dispute_preview,
        do=_dispute,
    ),
    _of_bill("accept", "Accept as read", "Its lines are matched as they were read.", "bill.accept",
             do=_step(intake.accept, "Bill accepted as read")),
    _of_bill("again", "Match again", "Its lines are matched with our calls once more.",
             "bill.match", do=_step(intake.request_rematch, "Matching again")),
    _of_bill(
        "forget",
        "Delete bill",
        "Its lines and disputes are deleted, and the file can be matched anew. A bill with a taken"
        " line cannot be deleted.",
        "bill.forget",
        do=_forget,
        is_dangerous=True,
    ),
    _of_bill("put_back", "Put back", "The line is open again.", "cost.correction", about=LINE,
             form=StepForm, preview=_back_preview, do=_put_back),
    _of_bill("withdraw", "Withdraw", "The line is disputed no longer.", "bill.agree", about=LINE,
             do=_step(decisions.withdraw, "Dispute withdrawn")),
    _of_bill("pick", "Pick", "The line is of this call.", "bill.pick", about=LINE, form=PickForm,
             do=_step(decisions.pick, "Call picked")),
)  # fmt: skip
