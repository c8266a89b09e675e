"""Transfers for pages of the ledger."""

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
class LedgerEntry:
    """A transfer with the words for it; only staff's pages mark demo data."""

    transfer: Transfer
    is_demo: bool = False

    @property
    def kind(self) -> str:
        return KIND_WORDS[Transfer.Kind(self.transfer.kind)]

    @property
    def amount(self) -> int:
        """The micros, below 0 for an adjustment that took money; for other kinds the word tells."""
        move = self.transfer
        took = move.kind == Transfer.Kind.ADJUSTMENT and move.credit_id == Account.Platform.CREDITS
        return -move.amount if took else move.amount

    @property
    def generation(self) -> str:
        """The public id of its generation; empty without one."""
        generation_id = self.transfer.generation_id
        return ids.public(ids.GENERATION, generation_id) if generation_id else ""
