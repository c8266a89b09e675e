"""Transfers as pages of the ledger tell them."""

from dataclasses import dataclass

from billing.models import Account, Transfer
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
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A transfer of the ledger with the words for it."""

    transfer: Transfer

    @property
    def kind(self) -> str:
        """Its word."""
        return KIND_WORDS[Transfer.Kind(self.transfer.kind)]

    @property
    def amount(self) -> int:
        """Its micros, below 0 for an adjustment that took: of other kinds the word says it."""
        move = self.transfer
        took = move.kind == Transfer.Kind.ADJUSTMENT and move.credit_id == Account.Platform.CREDITS
        return -move.amount if took else move.amount

    @property
    def generation(self) -> str:
        """The public id of what it was moved for; empty for none."""
        made = self.transfer.generation_id
        return ids.public(ids.GENERATION, made) if made else ""
