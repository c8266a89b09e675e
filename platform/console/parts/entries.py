"""Transfers for pages of the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from billing.models import Account, Transfer
from console.amounts import amount
from pictor.kit.words import ids

KIND_WORDS = {
    Transfer.Kind.TOP_UP: "Top-up",
    Transfer.Kind.CREDIT: "Credit",
    Transfer.Kind.HOLD: "Hold",
    Transfer.Kind.CAPTURE: "Charge",
    Transfer.Kind.RELEASE: "Release",
    Transfer.Kind.REFUND: "Refund",
    Transfer.Kind.ADJUSTMENT: "Adjustment",
    Transfer.Kind.REVERSAL: "Reversal",
    Transfer.Kind.UPSTREAM_COST: "Upstream cost",
    Transfer.Kind.LOSS: "Loss",
    Transfer.Kind.COST_CORRECTION: "Cost correction",
    Transfer.Kind.PAY_BACK: "Pay back",
    Transfer.Kind.PAID_BACK: "Paid back",
    Transfer.Kind.PAY_BACK_FAILED: "Pay back failed",
    Transfer.Kind.CHARGEBACK: "Chargeback",
    Transfer.Kind.REINSTATED: "Reinstated",
    Transfer.Kind.REPAYMENT: "Repayment",
}


OF_CARDS = (
    Transfer.Kind.PAY_BACK,
    Transfer.Kind.PAID_BACK,
    Transfer.Kind.PAY_BACK_FAILED,
    Transfer.Kind.CHARGEBACK,
    Transfer.Kind.REINSTATED,
    Transfer.Kind.REPAYMENT,
)
"""The kinds of an installation that takes cards; no page of another speaks of them."""
TAKES = (
    *(Transfer.Kind.HOLD, Transfer.Kind.CAPTURE, Transfer.Kind.REVERSAL),
    *(Transfer.Kind.PAY_BACK, Transfer.Kind.PAID_BACK),
    *(Transfer.Kind.CHARGEBACK, Transfer.Kind.REPAYMENT),
)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A transfer with the words for it; only staff's pages mark demo data.

    In a folded ledger it stands for its generation: `parts` are the hold and its end, in order.
    """

    transfer: Transfer
    is_demo: bool = False
    parts: Sequence[Transfer] = ()

    @property
    def kind(self) -> str:
        kinds = {part.kind for part in self.parts}
        is_charged = Transfer.Kind.CAPTURE in kinds
        return KIND_WORDS[
            Transfer.Kind.CAPTURE if is_charged else Transfer.Kind(self.transfer.kind)
        ]

    @property
    def amount(self) -> int:
        """The micros, below 0 for an adjustment that took money; for other kinds the word tells."""
        move = self.transfer
        took = move.kind == Transfer.Kind.ADJUSTMENT and move.credit_id == Account.Platform.CREDITS
        return -move.amount if took else move.amount

    @property
    def change(self) -> int:
        """The micros for the workspace, debits below 0: what it can spend less, or was charged.

        That of `parts` together is what its generation left of the balance: a charge is of money
        that was taken by the hold.
        """
        if not self.parts:
            return -self.amount if self.transfer.kind in TAKES else self.amount
        held = [part for part in self.parts if part.kind != Transfer.Kind.CAPTURE]
        return sum(LedgerEntry(part).change for part in held)

    @property
    def reason(self) -> str:
        """The reason without the kind that stands before it: "for signing up" after "Credit"."""
        reason = self.transfer.reason_shown
        kind, _, rest = reason.partition(" ")
        return rest if kind.casefold() == self.kind.casefold() else reason

    @property
    def steps(self) -> str:
        """The parts in words: 'Hold $0.05, charge $0.04, release $0.01'; "" of fewer than two."""
        words = [f"{LedgerEntry(part).kind} {amount(part.amount)}" for part in self.parts]
        return ", ".join(words).capitalize() if words[1:] else ""

    @property
    def generation(self) -> str:
        """The public id of its generation; empty without one."""
        generation_id = self.transfer.generation_id
        return ids.public(ids.GENERATION, generation_id) if generation_id else ""


def folded(moves: Sequence[Transfer], parts: Sequence[Transfer]) -> list[LedgerEntry]:
    """Return entries in which the last part of a generation stands for all of its parts."""
    of_each: dict[object, list[Transfer]] = {}
    for part in parts:
        of_each.setdefault(part.generation_id, []).append(part)
    last = {each[-1].seq: each for each in of_each.values()}
    folds = {part.seq for part in parts}
    return [
        LedgerEntry(move, parts=last.get(move.seq, ()))
        for move in moves
        if move.seq in last or move.seq not in folds
    ]
