"""The ledger: permanent transfers between accounts, and the balances cached from them.

A transfer is one row (debit account, credit account, amount), so the ledger balances by
construction. It is append-only: triggers refuse UPDATE, DELETE and TRUNCATE. Each row carries a
seal (billing/transfer_seals.py), a tenant's as a chain whose last two are on its balance. Only
tenants have a cached balance; platform accounts are sums, because a shared row would make every
settlement wait for every other.
"""

from django.db import models
from django.db.models import F, Func, Q
from typing_extensions import override

from accounts.models import ApiKey, Tenant
from billing.transfer_seals import Sealed
from pictor.kit.secrets.seals import microseconds
from pictor.kit.words.money import to_decimal


class Account(models.Model):
    """An account that micros can be in. The platform's have the fixed ids of `Platform`."""

    class Kind(models.TextChoices):
        PLATFORM_REVENUE = "platform_revenue"
        UPSTREAM_COST = "upstream_cost"
        UPSTREAM_PAYABLE = "upstream_payable"
        LOSSES = "losses"
        TOP_UPS = "top_ups"
        CREDITS = "credits"
        REFUNDING = "refunding"
        OWED = "owed"
        AVAILABLE = "available"
        HELD = "held"

    class Platform(models.IntegerChoices):
        """The platform's accounts, by id so that writing to one needs no look-up."""

        PLATFORM_REVENUE = 1
        UPSTREAM_COST = 2
        UPSTREAM_PAYABLE = 3
        LOSSES = 4
        TOP_UPS = 5
        CREDITS = 6
        REFUNDING = 7
        OWED = 8

    kind = models.CharField(max_length=16, choices=Kind)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind"], name="one_account_of_a_kind", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["available", "held"], tenant__isnull=False)
                | (~Q(kind__in=["available", "held"]) & Q(tenant__isnull=True)),
                name="tenants_have_available_and_held",
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.kind


class TenantBalance(models.Model):
    """A tenant's cached balance and counters: the row every hold locks.

    `seq` numbers the tenant's transfers from 1 without gaps. `in_flight` counts open holds,
    including those of amount 0. `owed` is what was taken back of payments after it was spent. The
    counters of the day and month are those of `KeyBudget`, over all keys; before the first hold
    their windows are null. `seal` is the last transfer's and
    `previous_seal` that of the one before, for the statement that moves money to chain the next
    ones; null until an older ledger is sealed.
    """

    tenant = models.OneToOneField(
        Tenant, on_delete=models.PROTECT, primary_key=True, related_name="balance"
    )
    available_account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="+")
    held_account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="+")
    available = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    owed = models.BigIntegerField(default=0, db_default=0)
    seq = models.BigIntegerField(default=0)
    in_flight = models.IntegerField(default=0)
    day = models.DateField(null=True)
    day_used_micros = models.BigIntegerField(default=0, db_default=0)
    month = models.DateField(null=True)
    month_used_micros = models.BigIntegerField(default=0, db_default=0)
    seal = models.BinaryField(max_length=32, null=True, editable=False)
    previous_seal = models.BinaryField(max_length=32, null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(available__gte=0, held__gte=0), name="balances_are_never_negative"
            ),
            models.CheckConstraint(
                condition=Q(in_flight__gte=0), name="in_flight_is_never_negative"
            ),
            models.CheckConstraint(
                condition=Q(day_used_micros__gte=0, month_used_micros__gte=0),
                name="used_is_never_negative",
            ),
            models.CheckConstraint(condition=Q(owed__gte=0), name="owed_is_never_negative"),
        ]
        indexes = [
            # Not by `available` too: with each hold the row would be written to the index again.
            models.Index(fields=["tenant"], condition=Q(owed__gt=0), name="tenants_that_owe")
        ]

    @override
    def __str__(self) -> str:
        return f"{to_decimal(self.available)} USD available, {to_decimal(self.held)} held"


class Transfer(models.Model):
    """One permanent movement of `amount` micros from the debit to the credit account.

    A tenant's transfers carry its `seq` and both its balances afterwards; the platform's own
    (upstream costs, losses and corrections of them) carry none of these. `evidence` is the mover's
    digest of the reason for the movement; for moves by staff, of their note. Rows from before the
    chain have no seal of their own.

    `reverses_seq` is the number of the tenant's top-up or credit that a reversal takes back, or of
    the top-up by card that is paid back, taken back or reinstated; `line` then names the movement
    at the provider, as it does on the top-up itself.
    `attempt_id` is the attempt that an upstream cost or a loss is booked for, once; a correction
    has an id of its own there, derived from the `line` of the vendor's bill, so that a line
    corrects once. `corrects_id` is the attempt whose cost is corrected, if it is one attempt's.
    """

    append_only = True

    class Kind(models.TextChoices):
        TOP_UP = "top_up"
        CREDIT = "credit"
        HOLD = "hold"
        CAPTURE = "capture"
        RELEASE = "release"
        REFUND = "refund"
        ADJUSTMENT = "adjustment"
        REVERSAL = "reversal"
        UPSTREAM_COST = "upstream_cost"
        LOSS = "loss"
        # The column has 13 characters; to widen it, PostgreSQL would lock it and rebuild its
        # indexes.
        COST_CORRECTION = "correction", "Cost correction"
        PAY_BACK = "pay_back", "Pay back"
        PAID_BACK = "paid_back", "Paid back"
        PAY_BACK_FAILED = "pay_back_fail", "Pay back failed"
        CHARGEBACK = "chargeback"
        REINSTATED = "reinstated"
        REPAYMENT = "repayment"

    kind = models.CharField(max_length=13, choices=Kind)
    # No foreign key on the accounts: its check would lock the platform's rows for every tenant at
    # once. `ledger_check` finds accounts that do not exist or do not fit the kind.
    debit = models.ForeignKey(
        Account, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    credit = models.ForeignKey(
        Account, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    amount = models.BigIntegerField()
    tenant = models.ForeignKey(
        Tenant,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="transfers",
    )
    seq = models.BigIntegerField(null=True, blank=True)
    available_after = models.BigIntegerField(null=True, blank=True)
    held_after = models.BigIntegerField(null=True, blank=True)
    generation_id = models.UUIDField(null=True, blank=True)
    attempt_id = models.UUIDField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    reverses_seq = models.BigIntegerField(null=True, blank=True)
    corrects_id = models.UUIDField(null=True, blank=True)
    line = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 - '' is sealed otherwise
    created_at = models.DateTimeField(
        db_default=Func(function="clock_timestamp", output_field=models.DateTimeField())
    )
    evidence = models.BinaryField(max_length=32, null=True, editable=False)
    seal = models.BinaryField(max_length=32, null=True, editable=False)

    class Meta:
        indexes = [
            # Moves by people are rare among those by requests; a statement reads a month of them.
            models.Index(
                fields=["tenant", "seq"],
                condition=Q(
                    kind__in=[
                        *("top_up", "credit", "refund", "adjustment", "reversal"),
                        *("pay_back", "paid_back", "pay_back_fail"),
                        *("chargeback", "reinstated", "repayment"),
                    ]
                ),
                name="moved_by_people_by_seq",
            ),
            models.Index(
                fields=["corrects_id"],
                condition=Q(corrects_id__isnull=False),
                name="corrections_by_attempt",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_moves_something"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="transfer_goes_elsewhere"),
            models.CheckConstraint(
                condition=Q(
                    tenant__isnull=True,
                    seq__isnull=True,
                    available_after__isnull=True,
                    held_after__isnull=True,
                )
                | Q(
                    tenant__isnull=False,
                    seq__isnull=False,
                    available_after__gte=0,
                    held_after__gte=0,
                ),
                name="tenant_transfer_is_numbered",
            ),
            models.UniqueConstraint(fields=["tenant", "seq"], name="one_transfer_per_seq"),
            models.UniqueConstraint(
                fields=["generation_id", "kind"],
                condition=Q(kind__in=["hold", "capture", "release"]),
                name="one_hold_capture_release",
            ),
            models.UniqueConstraint(
                fields=["attempt_id"],
                condition=Q(attempt_id__isnull=False),
                name="one_cost_per_attempt",
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.kind} of {to_decimal(self.amount)} USD"

    def change_of(self, account_id: int) -> int:
        """The micros by which it changes an account: below 0 for the debit."""
        return self.amount * ((self.credit_id == account_id) - (self.debit_id == account_id))

    @property
    def reason_shown(self) -> str:
        """The reason that the tenant reads: a payment's reference, or staff's words to the tenant.

        Before notes were separate, the reasons of other kinds were for staff; such transfers have
        no evidence.
        """
        is_theirs = self.kind == self.Kind.TOP_UP or self.evidence is not None
        return self.reason if is_theirs else ""

    @property
    def cost_change(self) -> int:
        """A correction's change of the cost in micros; negative if it costs less."""
        adds = self.debit_id == Account.Platform.UPSTREAM_PAYABLE
        return self.amount if adds else -self.amount

    @property
    def sealed(self) -> Sealed:
        """The columns that are sealed."""
        return Sealed(
            kind=self.kind,
            debit_id=self.debit_id,
            credit_id=self.credit_id,
            amount=self.amount,
            tenant_id=None if self.tenant_id is None else str(self.tenant_id),
            seq=self.seq,
            available_after=self.available_after,
            held_after=self.held_after,
            generation_id=None if self.generation_id is None else str(self.generation_id),
            attempt_id=None if self.attempt_id is None else str(self.attempt_id),
            created_microseconds=microseconds(self.created_at),
            evidence=None if self.evidence is None else bytes(self.evidence).hex(),
            reason=self.reason,
            reverses_seq=self.reverses_seq,
            corrects_id=None if self.corrects_id is None else str(self.corrects_id),
            line=self.line,
        )


class KeyBudget(models.Model):
    """A key's counters: requests in flight, and its use of this day's and month's budget.

    Use is captured plus still held, counted in the window in which the hold was placed. `day` and
    `month` name the windows counted (a month by its first day).
    """

    key = models.OneToOneField(
        ApiKey, on_delete=models.CASCADE, primary_key=True, related_name="budget"
    )
    in_flight = models.IntegerField(default=0)
    day = models.DateField()
    day_used_micros = models.BigIntegerField(default=0)
    month = models.DateField()
    month_used_micros = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(in_flight__gte=0, day_used_micros__gte=0, month_used_micros__gte=0),
                name="key_counters_are_never_negative",
            )
        ]

    @override
    def __str__(self) -> str:
        return f"{self.key_id}: {self.in_flight} in flight"
