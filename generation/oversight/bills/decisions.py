"""Decisions about lines that differ: the vendor's amount is booked, or the line is disputed.

The booked change is always the displayed one: a line that was matched again to another difference
is not taken, nor is one whose call has a different cost meanwhile, until the bill is matched again.
The line's own id, not the file's, prevents a second booking.

Locks are taken in this order: corrections, the bill, its lines. A matching, too, locks the bill
before its lines.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import OperationalError, transaction
from django.db.models import F, Q, QuerySet, Sum

from accounts.models import Actor
from accounts.services import By, Subject, name_of, record
from billing import locks
from billing.services import CorrectedAttempt, correct_cost, corrected_cost
from generation.channels.errors import AttemptClass
from generation.models import Attempt, BillLine, ChannelTrial, VendorBill
from generation.oversight.bills.mapping import PER_DAY
from generation.oversight.bills.matching import ours_of_day, sums_of
from pictor.kit.database.errors import is_locked
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, to_decimal

MAX_AT_ONCE = 100
"""The most lines that one request takes, in a few seconds; a command takes all of a list."""
MAX_SUMMED = 10_000
"""The most open lines that a page sums."""
_AT_ONCE = 20
"""The most lines that one transaction takes: its duration delays others who correct costs."""
BEING_MATCHED = "The bill is being matched just now: try again when that is done."
IN_USE = "The bill is being matched or decided on just now: try again when that is done."
NOT_MATCHED = "Its bill is not matched yet, or something about it is in doubt."
Decision, Outcome = BillLine.Decision, BillLine.Outcome
_SETTLED = (Outcome.EQUAL, Outcome.PART)


@dataclass(frozen=True, slots=True)
class Done:
    """The result, line by line.

    Attributes:
        taken: the number of lines booked.
        change: their change of the cost, in micros.
        before: the number of lines that needed nothing, because they were booked before.
        refused: lines that were not taken, each with the reason.
    """

    taken: int
    change: Micros
    before: int
    refused: Sequence[tuple[BillLine, str]]


def takeable(bill: VendorBill, among: QuerySet[BillLine] | None = None) -> QuerySet[BillLine]:
    """The lines of a matched bill that can be taken: open ones that differ and have one meaning."""
    if bill.state != VendorBill.State.READY:
        return bill.lines.none()
    lines = bill.lines.all() if among is None else among
    differing = lines.filter(outcome__in=[Outcome.DIFFERENT, Outcome.THEIRS, Outcome.OURS])
    of_one = Q(candidates=[]) | Q(attempt_id__isnull=False) | Q(trial_id__isnull=False)
    open_ones = differing.filter(of_one, decision="")
    possible = open_ones.exclude(outcome=Outcome.OURS, trial_id__isnull=False)
    return possible.exclude(attempt_id__isnull=False, theirs_micros__lt=0)


def left_out(bill: VendorBill, among: QuerySet[BillLine]) -> list[tuple[BillLine, str]]:
    """The first of these lines that `takeable` leaves out, each with the reason."""
    others = among.exclude(pk__in=takeable(bill, among).values("pk"))[:MAX_AT_ONCE]
    return [(line, why) for line in others if (why := _why_not(line))]


def disputable(bill: VendorBill, among: QuerySet[BillLine] | None = None) -> QuerySet[BillLine]:
    """The lines of a matched bill that can be disputed: open ones that differ."""
    if bill.state != VendorBill.State.READY:
        return bill.lines.none()
    return _open_among(bill.lines.all() if among is None else among)


def is_open(line: BillLine) -> bool:
    """True if a line differs and is not decided on, as in `disputable`."""
    return line.decision == "" and line.outcome not in _SETTLED


def open_sum(bill: VendorBill) -> tuple[int, Micros]:
    """The number of open lines of a matched bill, and their difference; of the first 10,000."""
    lines = _open_among(bill.lines.all()).order_by("id")[:MAX_SUMMED]
    figures = lines.values_list("theirs_micros", "ours_micros")
    return len(figures), Micros(sum(theirs - ours for theirs, ours in figures))


def _open_among(lines: QuerySet[BillLine]) -> QuerySet[BillLine]:
    return lines.filter(decision="").exclude(outcome__in=_SETTLED)


def take(lines: Iterable[BillLine], *, reason: str, actor: Actor) -> Done:
    """Book the vendor's difference for these lines as they were shown, some at a time.

    A refused line is left out. Raises ValidationError for an empty reason.
    """
    _check(reason)
    taken, change, before = 0, 0, 0
    refused: list[tuple[BillLine, str]] = []
    rest = iter(lines)
    while batch := list(islice(rest, _AT_ONCE)):
        with transaction.atomic():
            locks.corrections()
            for line in batch:
                try:
                    _lock_bill(line)
                    by = _take(line, reason=reason, actor=actor)
                except ValidationError as error:
                    refused.append((line, " ".join(error.messages)))
                    continue
                taken, before, change = taken + (by != 0), before + (by == 0), change + by
    return Done(taken, Micros(change), before, refused)


@transaction.atomic
def put_back(line: BillLine, *, reason: str, actor: Actor) -> Micros:
    """Undo the change of a taken line, by a correction the other way. Raises ValidationError."""
    _check(reason)
    locks.corrections()
    _lock_bill(line)
    line = BillLine.objects.select_for_update().get(pk=line.pk)
    if line.decision != Decision.TAKEN:
        raise ValidationError("It is not taken.")
    change = Micros(-line.taken_micros)
    if change:
        # Lines of several bills may share a key, so each correction back has a name of its own.
        _book(line, f"{line.key} put back {line.pk}.{line.takes}", change, reason, actor)
    line.decision, line.taken_micros = "", 0
    _record_decision(line, "", actor)
    _count(line, taken_lines=-1, taken_micros=change)
    return change


@transaction.atomic
def dispute(lines: QuerySet[BillLine], *, words: str, **by: Unpack[By]) -> int:
    """Mark lines of a bill for the vendor, with words for its file; returns their number."""
    _check(words)
    first = lines.first()
    if first is not None:
        _lock_bill(first)
    open_ones = _open_among(lines)
    facts = {"words": words, "by": name_of(by["actor"]), "decided_at": clock.now()}
    number = open_ones.update(decision=Decision.DISPUTED, **facts)
    if first is None or not number:
        raise ValidationError("None of these lines can be disputed.")
    _count(first, disputed_lines=number)
    after = {"lines": number, "words": words}
    record(Subject("bill", str(first.bill_id)), "bill.dispute", after=after, **by)
    return number


@transaction.atomic
def withdraw(line: BillLine, **by: Unpack[By]) -> None:
    """Withdraw a line's dispute. Raises ValidationError."""
    _lock_bill(line)
    disputed = BillLine.objects.filter(pk=line.pk, decision=Decision.DISPUTED)
    if not disputed.update(decision="", words="", by=name_of(by["actor"]), decided_at=clock.now()):
        raise ValidationError("It is not disputed.")
    _count(line, disputed_lines=-1)
    after = {"line": line.number}
    record(Subject("bill", str(line.bill_id)), "bill.agree", after=after, **by)


@transaction.atomic
def pick(line: BillLine, *, call: str, **by: Unpack[By]) -> BillLine:
    """Choose a line's call among its candidates. Raises ValidationError."""
    _lock_bill(line)
    line = BillLine.objects.select_for_update().get(pk=line.pk)
    if call not in line.candidates or line.attempt_id or line.trial_id or line.decision:
        raise ValidationError("That call is not a candidate for this line.")
    others = line.bill.lines.filter(Q(attempt_id=call) | Q(trial_id=call))
    if other := others.exclude(outcome=Outcome.OURS).first():
        raise ValidationError(
            f"Line {other.number} has that call. Pick another, or match the bill again: then only"
            " calls without a line are offered."
        )
    if others.exclude(decision="").exists():
        raise ValidationError("That call was already decided as one without a line.")
    others.delete()
    attempt = Attempt.objects.filter(pk=call).first()
    if attempt is not None:
        line.attempt_id = attempt.pk
    else:
        line.trial_id = UUID(call)
    of = attempt or ChannelTrial.objects.get(pk=call)
    line.ours_micros = _ours_now(line)
    line.is_unknown = of.may_have_billed and of.known_cost_micros is None and not line.ours_micros
    is_equal = line.ours_micros == line.theirs_micros
    line.outcome = Outcome.EQUAL if is_equal else Outcome.DIFFERENT
    line.save()
    line.bill.sums = sums_of(line.bill)
    line.bill.save(update_fields=["sums"])
    after = {"line": line.number, "call": call}
    record(Subject("bill", str(line.bill_id)), "bill.pick", after=after, **by)
    return line


def _lock_bill(line: BillLine) -> None:
    """Lock a line's bill to the transaction's end. Raises ValidationError unless it is matched."""
    its = VendorBill.objects.filter(pk=line.bill_id).values_list("state", flat=True)
    check_matched(its.first())
    try:
        with transaction.atomic():
            state = its.select_for_update().first()
    except OperationalError as error:
        if not is_locked(error):
            raise
        raise ValidationError(IN_USE) from None
    check_matched(state)


def check_matched(state: str | None) -> None:
    """Raise ValidationError unless this is the state of a matched bill; None is a deleted one's."""
    if state == VendorBill.State.WAITING:
        raise ValidationError(BEING_MATCHED)
    if state != VendorBill.State.READY:
        raise ValidationError("The bill is deleted." if state is None else NOT_MATCHED)


@transaction.atomic
def _take(shown: BillLine, *, reason: str, actor: Actor) -> Micros:
    """Book the change of a line; 0 if nothing is left to change."""
    bills = BillLine.objects.select_related("bill").defer("bill__content")
    line = bills.select_for_update(of=["self"]).filter(pk=shown.pk).first()
    if line is None:
        raise ValidationError("It no longer exists: the bill was matched again.")
    if line.decision == Decision.TAKEN:
        return Micros(0)
    if why := _why_not(line):
        raise ValidationError(why)
    if line.difference != shown.difference:
        raise ValidationError(
            f"It changes the cost by {to_decimal(line.difference)} USD now, not by"
            f" {to_decimal(shown.difference)}: the bill was matched again."
        )
    now = _ours_now(line)
    change = Micros(line.theirs_micros - now)
    if change and now != line.ours_micros:
        raise ValidationError(
            f"{to_decimal(now)} USD is booked now, not {to_decimal(line.ours_micros)}:"
            " match the bill again."
        )
    if change:
        times = _times(line.key)
        name = line.key if times == 0 else f"{line.key} take {times + 1}"
        _book(line, name, change, reason, actor)
        line.takes += 1
    line.decision, line.taken_micros = Decision.TAKEN, change
    _record_decision(line, reason, actor)
    _count(line, taken_lines=1, taken_micros=change)
    return change


def _count(line: BillLine, **more: int) -> None:
    """Add to the figures of a line's bill, which is locked."""
    changed = {name: F(name) + number for name, number in more.items()}
    VendorBill.objects.filter(pk=line.bill_id).update(**changed)


def _book(line: BillLine, name: str, change: Micros, reason: str, actor: Actor) -> None:
    """Raise ValidationError if the ledger has that name already, so that nothing is booked."""
    if correct_cost(line=name, change=change, reason=reason, actor=actor, of=_of(line)) is None:
        raise ValidationError(f"{name!r} is in the ledger already: match the bill again.")


def _record_decision(line: BillLine, words: str, actor: Actor) -> None:
    line.words, line.by, line.decided_at = words, name_of(actor), clock.now()
    line.save()


def _ours_now(line: BillLine) -> Micros:
    """Our present booking for a line: of its calls, and by earlier bills without a call."""
    first = 0
    if line.attempt_id is not None:
        first = corrected_cost(line.attempt_id)
    elif line.trial_id is not None:
        first = ChannelTrial.objects.get(pk=line.trial_id).cost_micros
    elif line.bill.mapping["of"] == PER_DAY and line.model and line.of is None:
        first = ours_of_day(line.bill.channel_id, line.model, line.at)
    alone = BillLine.objects.filter(key=line.key, attempt_id__isnull=True)
    return Micros(first + alone.aggregate(sum=Sum("taken_micros", default=0))["sum"])


def _times(key: str) -> int:
    """The number of times a line was taken, over all bills."""
    sums: dict[str, Any] = BillLine.objects.filter(key=key).aggregate(sum=Sum("takes", default=0))
    return int(sums["sum"])


def _of(line: BillLine) -> CorrectedAttempt | None:
    if line.attempt_id is None:
        return None
    attempt = Attempt.objects.get(pk=line.attempt_id)
    as_loss = attempt.attempt_class != AttemptClass.DELIVERED
    return CorrectedAttempt(attempt.id, attempt.generation_id, as_loss)


def _why_not(line: BillLine) -> str:
    """The reason `takeable` leaves a line out; empty if it can be taken."""
    is_of_one = not line.candidates or bool(line.attempt_id or line.trial_id)
    known = (
        (line.decision == Decision.TAKEN, "It is taken."),
        (line.decision == Decision.DISPUTED, "It is disputed: withdraw that first."),
        (line.outcome == Outcome.EQUAL, "It equals what we booked."),
        (
            line.outcome == Outcome.PART,
            f"It is part of line {line.of}, which is taken as a whole.",
        ),
        (not is_of_one, "It may belong to several calls: choose one first."),
        (
            line.outcome == Outcome.OURS and line.trial_id is not None,
            "The cost of our own tests is never booked, so there is nothing to correct.",
        ),
        (
            line.attempt_id is not None and line.theirs_micros < 0,
            "Its call would cost less than nothing: dispute it.",
        ),
    )
    return next((words for is_so, words in known if is_so), "")


def _check(words: str) -> None:
    if not words.strip():
        raise ValidationError("Say why.")
    if len(words) > 200 or "\0" in words:  # noqa: PLR2004 - what a transfer keeps
        raise ValidationError("At most 200 characters are kept, and no null characters.")
