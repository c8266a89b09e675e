"""Staff's requests to move money: each once, and large sums once a second person approves."""

from datetime import datetime
from typing import Literal

from django.db import models
from django.db.models import Q
from typing_extensions import override

from accounts.models import Tenant, User
from billing.models.ledger import Transfer
from pictor.kit.words.money import Micros, to_decimal

MoveState = Literal["booked", "waiting", "declined", "expired"]


class MoneyMove(models.Model):
    """A top-up, credit, refund, adjustment or reversal that a person requested.

    The caller makes its id, so a request sent twice is one move. `amount` is in micros, negative
    for an adjustment that takes. A move that awaits approval has an end, `expires_at`; without one,
    its requester books it alone. A credit for an outage has the time and the model that it covers;
    an empty model covers all.
    """

    KINDS = (
        Transfer.Kind.TOP_UP,
        Transfer.Kind.CREDIT,
        Transfer.Kind.REFUND,
        Transfer.Kind.ADJUSTMENT,
        Transfer.Kind.REVERSAL,
    )

    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, db_index=False, related_name="+")
    kind = models.CharField(max_length=13, choices=[(kind.value, kind.label) for kind in KINDS])
    amount = models.BigIntegerField()
    reverses_seq = models.BigIntegerField(null=True)
    generation_id = models.UUIDField(null=True)
    covers_since = models.DateTimeField(null=True)
    covers_until = models.DateTimeField(null=True)
    covers_model = models.CharField(max_length=100, blank=True, db_default="")
    reason = models.CharField(
        max_length=200, blank=True, help_text="The reason shown to the tenant."
    )
    note = models.CharField(max_length=200, blank=True, help_text="A note that only staff read.")
    asked_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    asked_by_name = models.CharField(max_length=254)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    decided_by_name = models.CharField(max_length=254, blank=True)
    declined_at = models.DateTimeField(null=True)
    transfer_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(transfer_id=None) | Q(declined_at=None), name="booked_or_declined"
            )
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(transfer_id=None, declined_at=None),
                name="moves_that_wait",
            ),
            models.Index(
                fields=["tenant", "covers_until"],
                condition=Q(covers_since__isnull=False),
                name="credits_for_outages",
            ),
            models.Index(
                fields=["asked_by", "asked_at"],
                condition=Q(expires_at=None),
                name="moves_alone_by_person",
            ),
            models.Index(
                fields=["tenant", "asked_at"],
                condition=Q(expires_at=None),
                name="moves_alone_by_tenant",
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.kind} of {to_decimal(self.amount)} USD"

    @property
    def change(self) -> Micros:
        """The amount by which the move changes the balance; negative for a reversal."""
        return Micros(-self.amount if self.kind == Transfer.Kind.REVERSAL else self.amount)

    def state(self, now: datetime) -> MoveState:
        if self.transfer_id is not None:
            return "booked"
        if self.declined_at is not None:
            return "declined"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "waiting"

    def refusal(self, now: datetime) -> str:
        """Return why it is never booked; empty if it is booked, or still may be."""
        state = self.state(now)
        if state in {"booked", "waiting"}:
            return ""
        return f"It waited for another person and is {state}."
