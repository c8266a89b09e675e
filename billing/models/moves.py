"""Money that is asked for: moves by staff, each once, and customers' payments by card.

A payment's facts are the provider's, as last looked at; its money is in the ledger (ADR 0070).
"""

from datetime import datetime, timedelta
from typing import Literal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from typing_extensions import override

from accounts.models import Tenant, User
from billing.models.ledger import Transfer
from pictor.kit.words import ids
from pictor.kit.words.money import Micros, to_decimal

MoveState = Literal["booked", "waiting", "declined", "expired"]


class MoneyMove(models.Model):
    """A top-up, credit, refund, adjustment, reversal or pay-back that a person requested.

    The caller makes its id, so a request sent twice is one move. `amount` is in micros, negative
    for an adjustment that takes. A move that awaits approval has an end, `expires_at`; without one,
    its requester books it alone. A credit for an outage has the time and the model that it covers;
    an empty model covers all. `transfer_id` is 0 of a pay-back whose transfers follow the answer of
    the provider.
    """

    KINDS = (
        Transfer.Kind.TOP_UP,
        Transfer.Kind.CREDIT,
        Transfer.Kind.REFUND,
        Transfer.Kind.ADJUSTMENT,
        Transfer.Kind.REVERSAL,
        Transfer.Kind.PAY_BACK,
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
        """The amount by which the move changes the balance; negative for what takes."""
        takes = {Transfer.Kind.REVERSAL.value, Transfer.Kind.PAY_BACK.value}
        return Micros(-self.amount if self.kind in takes else self.amount)

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


CHECKOUT_LASTS = timedelta(minutes=35)
"""How long a customer has to pay. The provider's least is 30 minutes, by its own clock."""


class PaymentCustomer(models.Model):
    """A workspace at the payment provider: its billing details, and its automatic top-ups.

    Below `below_micros` of available money, `add_cents` are charged, at most `most_cents` in a
    calendar month (UTC). They are on where `consented_by` is set, and rest while `paused_for` is.
    `tries` counts declined attempts since the last that was paid; none is made before `next_at`.
    """

    class Pause(models.TextChoices):
        DECLINED = "declined", "The card was declined"
        CONFIRM = "confirm", "The bank asks you to confirm"
        NO_CARD = "no_card", "There is no saved card"
        DISPUTED = "disputed", "A payment was disputed"
        PAID_BACK = "paid_back", "A payment was paid back"
        OWED = "owed", "Something is owed"
        SUSPENDED = "suspended", "The workspace is suspended"
        MEMBER_LEFT = "member_left", "The member who agreed to it has left"

    tenant = models.OneToOneField(
        Tenant, on_delete=models.PROTECT, primary_key=True, related_name="+"
    )
    provider_id = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 - unique when set
    legal_name = models.CharField(max_length=200, blank=True, db_default="")
    address = models.CharField(max_length=500, blank=True, db_default="")
    tax_id = models.CharField(max_length=60, blank=True, db_default="")
    purchase_order = models.CharField(max_length=60, blank=True, db_default="")
    invoice_mail = models.EmailField(blank=True, db_default="")
    below_micros = models.BigIntegerField(null=True)
    add_cents = models.IntegerField(null=True)
    most_cents = models.IntegerField(null=True)
    consented_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    consented_at = models.DateTimeField(null=True)
    paused_for = models.CharField(max_length=12, blank=True, db_default="", choices=Pause)
    tries = models.SmallIntegerField(db_default=0)
    next_at = models.DateTimeField(null=True)

    PERSONAL = (
        "provider_id", "legal_name", "address", "tax_id", "purchase_order", "invoice_mail",
    )  # fmt: skip
    """What erasure takes out."""

    class Meta:
        indexes = [
            models.Index(
                fields=["next_at"],
                condition=Q(consented_by__isnull=False, paused_for=""),
                name="automatic_top_ups",
            )
        ]

    @override
    def __str__(self) -> str:
        return f"{self.tenant_id}: {self.provider_id or 'no customer'}"


class Payment(models.Model):
    """A customer's payment by card. The form, or the automatic top-up, makes its id.

    `credited_micros` is what it buys, and `asked_cents` the same in cents; with tax, `amount_cents`
    is charged. `person_why` says why it waits for a person, who refunds it at the provider.
    `looks` counts looks at the provider, and `applied` is the newest whose answer was booked: the
    answer of an older one changes nothing.
    """

    class State(models.TextChoices):
        BEGUN = "begun"
        PAID = "paid"
        FAILED = "failed"
        EXPIRED = "expired"
        PERSON = "person", "For a person"

    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, db_index=False, related_name="+")
    automatic = models.BooleanField(db_default=False)
    state = models.CharField(max_length=7, choices=State, default=State.BEGUN)
    person_why = models.CharField(max_length=200, blank=True, db_default="")
    credited_micros = models.BigIntegerField()
    asked_cents = models.IntegerField()
    amount_cents = models.IntegerField(null=True)
    tax_cents = models.IntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True, db_default="")
    fee_cents = models.IntegerField(null=True)
    fee_currency = models.CharField(max_length=3, blank=True, db_default="")
    card_brand = models.CharField(max_length=20, blank=True, db_default="")
    card_last4 = models.CharField(max_length=4, blank=True, db_default="")
    session_id = models.CharField(max_length=128, null=True, unique=True)  # noqa: DJ001 - unique when set
    payment_intent_id = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 - as above
    charge_id = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 - as above
    invoice_id = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 - as above
    invoice_number = models.CharField(max_length=60, blank=True, db_default="")
    invoice_url = models.CharField(max_length=1000, blank=True, db_default="")
    receipt_url = models.CharField(max_length=1000, blank=True, db_default="")
    page_url = models.CharField(max_length=2000, blank=True, db_default="")
    declined = models.CharField(max_length=60, blank=True, db_default="")
    top_up_seq = models.BigIntegerField(null=True)
    begun_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    begun_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    looks = models.IntegerField(default=0, db_default=0)
    applied = models.IntegerField(default=0, db_default=0)
    looked_at = models.DateTimeField(null=True)

    PERSONAL = (
        "card_brand", "card_last4", "invoice_url", "receipt_url", "page_url", "begun_by",
    )  # fmt: skip
    """What erasure takes out; amounts, ids and invoice numbers stay."""

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-begun_at"], name="payments_of_a_tenant"),
            models.Index(fields=["-begun_at"], name="payments_by_time"),
            models.Index(
                fields=["looked_at"], condition=Q(state="begun"), name="payments_that_are_begun"
            ),
            models.Index(
                fields=["begun_at"], condition=Q(state="person"), name="payments_for_a_person"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"],
                condition=Q(automatic=True, state="begun"),
                name="one_automatic_top_up_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(credited_micros=models.F("asked_cents") * 10_000, asked_cents__gt=0),
                name="a_payment_buys_what_it_asks",
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.state} payment of {to_decimal(self.credited_micros)} USD"


class PaymentMovement(models.Model):
    """Money that the provider moved for a payment: a charge, a refund, a dispute's funds.

    Our id is made before the call and names the movement's transfers (`Transfer.line`); the
    provider's is set when known. Of the movements that are `done`, a payment's transfers are
    charges - refunds - withdrawals + reinstatements. `key` is a pay-back's idempotency key, stored
    before the call, `asked_by_name` who asked for it.
    """

    class Kind(models.TextChoices):
        CHARGE = "charge"
        REFUND = "refund"
        WITHDRAWAL = "withdrawal"
        REINSTATEMENT = "reinstatement"

    class State(models.TextChoices):
        ASKED = "asked"
        PENDING = "pending"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="movements")
    kind = models.CharField(max_length=13, choices=Kind)
    state = models.CharField(max_length=7, choices=State)
    provider_id = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 - unique when set
    dispute_id = models.CharField(max_length=64, blank=True, db_default="")
    cents = models.IntegerField()
    micros = models.BigIntegerField()
    seqs: "ArrayField[list[int], list[int]]" = ArrayField(models.BigIntegerField(), default=list)
    """The numbers of its transfers."""
    key = models.CharField(max_length=64, blank=True, db_default="")
    key_at = models.DateTimeField(null=True)
    asked_by_name = models.CharField(max_length=254, blank=True, db_default="")
    reason = models.CharField(max_length=200, blank=True, db_default="")
    at = models.DateTimeField()

    PERSONAL = ("asked_by_name",)

    class Meta:
        indexes = [
            models.Index(
                fields=["at"],
                condition=Q(state__in=["asked", "pending"]),
                name="pay_backs_that_wait",
            )
        ]

    @override
    def __str__(self) -> str:
        return f"{self.kind} of {self.cents} cents"


class PaymentDispute(models.Model):
    """A dispute, an inquiry or an early fraud warning, as the provider has it."""

    provider_id = models.CharField(max_length=64, primary_key=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    kind = models.CharField(max_length=7)
    state = models.CharField(max_length=6)
    reason = models.CharField(max_length=60, blank=True)
    cents = models.IntegerField()
    fee_cents = models.IntegerField(null=True)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    link = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state="open"), name="disputes_that_are_open"
            )
        ]

    @override
    def __str__(self) -> str:
        return f"{self.kind} {self.provider_id}"


class ProviderEvent(models.Model):
    """An event of the provider: that a payment is to be looked at. Handled once that is booked.

    `rang` is True if its webhook came. Events of others' objects have no payment.
    """

    id = models.CharField(max_length=64, primary_key=True)
    type = models.CharField(max_length=64)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, null=True, related_name="+")
    session_id = models.CharField(max_length=128, blank=True)
    payment_intent_id = models.CharField(max_length=64, blank=True)
    invoice_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    received_at = models.DateTimeField()
    rang = models.BooleanField()
    handled_at = models.DateTimeField(null=True)
    tries = models.SmallIntegerField(db_default=0)
    next_at = models.DateTimeField()
    trouble = models.CharField(max_length=200, blank=True, db_default="")

    class Meta:
        indexes = [
            models.Index(
                fields=["next_at"], condition=Q(handled_at=None), name="events_to_be_handled"
            ),
            models.Index(fields=["-created_at"], name="events_by_time"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.type} {self.id}"
