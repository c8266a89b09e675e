"""The ledger, its holds, budgets, price books and usage."""

from decimal import Decimal
from pathlib import Path

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

PLATFORM_ACCOUNTS = """
ALTER TABLE billing_account ALTER COLUMN id SET START WITH 1000 RESTART;
INSERT INTO billing_account (id, kind) VALUES
    (1, 'platform_revenue'), (2, 'upstream_cost'), (3, 'upstream_payable'),
    (4, 'losses'), (5, 'top_ups'), (6, 'credits');
"""
"""Under their fixed ids; tenants' accounts are numbered from 1000."""
PUBLISHED_PRICES = """
CREATE FUNCTION pictor_published_book_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'price book % is published and final: publish a new version instead', OLD.id
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE FUNCTION pictor_published_price_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    published bigint;
BEGIN
    -- Locks the books, so that a price cannot slip in while its book is being published.
    SELECT b.id INTO published FROM (
        SELECT id, published_at FROM billing_pricebook
         WHERE id IN (NEW.book_id, OLD.book_id) ORDER BY id FOR SHARE
    ) b WHERE b.published_at IS NOT NULL LIMIT 1;
    IF published IS NOT NULL THEN
        RAISE EXCEPTION 'price book % is published and final: publish a new version instead',
            published USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN COALESCE(NEW, OLD);
END
$$;

CREATE TRIGGER final_once_published BEFORE UPDATE OR DELETE ON billing_pricebook
    FOR EACH ROW WHEN (OLD.published_at IS NOT NULL)
    EXECUTE FUNCTION pictor_published_book_is_final();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON billing_pricebook
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_append_only();
CREATE TRIGGER bump_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON billing_pricebook
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_bump_revision();

CREATE TRIGGER final_once_published BEFORE INSERT OR UPDATE OR DELETE ON billing_price
    FOR EACH ROW EXECUTE FUNCTION pictor_published_price_is_final();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON billing_price
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_append_only();
CREATE TRIGGER bump_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON billing_price
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_bump_revision();

ALTER TABLE billing_pricebook ENABLE ALWAYS TRIGGER final_once_published;
ALTER TABLE billing_price ENABLE ALWAYS TRIGGER final_once_published;
"""
"""A published price book and its prices are final; every change bumps the revision."""
HOLDS = Path(__file__).parents[1] / "services/holds.sql"
LEDGER = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_append_only();
ALTER TABLE billing_transfer ENABLE ALWAYS TRIGGER append_only;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [("accounts", "0001_squashed_0017_budgets_that_warn")]

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("platform_revenue", "Platform Revenue"),
                            ("upstream_cost", "Upstream Cost"),
                            ("upstream_payable", "Upstream Payable"),
                            ("losses", "Losses"),
                            ("top_ups", "Top Ups"),
                            ("credits", "Credits"),
                            ("available", "Available"),
                            ("held", "Held"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "kind"),
                        name="one_account_of_a_kind",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("kind__in", ["available", "held"]), ("tenant__isnull", False)
                            ),
                            models.Q(
                                models.Q(("kind__in", ["available", "held"]), _negated=True),
                                ("tenant__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="tenants_have_available_and_held",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="KeyBudget",
            fields=[
                (
                    "key",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="budget",
                        serialize=False,
                        to="accounts.apikey",
                    ),
                ),
                ("in_flight", models.IntegerField(default=0)),
                ("day", models.DateField()),
                ("day_used_micros", models.BigIntegerField(default=0)),
                ("month", models.DateField()),
                ("month_used_micros", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("day_used_micros__gte", 0),
                            ("in_flight__gte", 0),
                            ("month_used_micros__gte", 0),
                        ),
                        name="key_counters_are_never_negative",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PriceBook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                ("version", models.PositiveIntegerField()),
                ("currency", models.CharField(default="USD", editable=False, max_length=3)),
                (
                    "markup",
                    models.DecimalField(
                        decimal_places=4,
                        default=Decimal("1"),
                        help_text="Each price is multiplied by this, then rounded half up to a micro.",
                        max_digits=8,
                        validators=[django.core.validators.MinValueValidator(Decimal("0"))],
                    ),
                ),
                ("effective_from", models.DateTimeField()),
                ("published_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: everyone's.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="price_books",
                        to="accounts.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("name", "version"), name="one_book_per_version"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("currency", "USD")), name="prices_are_in_usd"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("markup__gte", 0)), name="markup_is_not_negative"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("model", models.CharField(max_length=100)),
                ("size", models.CharField(max_length=11)),
                ("quality", models.CharField(max_length=8)),
                (
                    "micros",
                    models.BigIntegerField(
                        validators=[django.core.validators.MinValueValidator(0)]
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("fixed", "Fixed"), ("formula", "Formula")],
                        default="fixed",
                        max_length=7,
                    ),
                ),
                (
                    "width",
                    models.PositiveIntegerField(
                        validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "height",
                    models.PositiveIntegerField(
                        validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "book",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="prices",
                        to="billing.pricebook",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("book", "model", "size", "quality"), name="one_price_per_row"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("micros__gte", 0)), name="price_is_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("height__gt", 0), ("width__gt", 0)),
                        name="priced_size_has_pixels",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TenantBalance",
            fields=[
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="balance",
                        serialize=False,
                        to="accounts.tenant",
                    ),
                ),
                ("available", models.BigIntegerField(default=0)),
                ("held", models.BigIntegerField(default=0)),
                ("seq", models.BigIntegerField(default=0)),
                ("in_flight", models.IntegerField(default=0)),
                (
                    "available_account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.account",
                    ),
                ),
                (
                    "held_account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.account",
                    ),
                ),
                ("seal", models.BinaryField(max_length=32, null=True)),
                ("previous_seal", models.BinaryField(max_length=32, null=True)),
                ("day", models.DateField(null=True)),
                ("day_used_micros", models.BigIntegerField(db_default=0, default=0)),
                ("month", models.DateField(null=True)),
                ("month_used_micros", models.BigIntegerField(db_default=0, default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("available__gte", 0), ("held__gte", 0)),
                        name="balances_are_never_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("in_flight__gte", 0)),
                        name="in_flight_is_never_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("day_used_micros__gte", 0), ("month_used_micros__gte", 0)
                        ),
                        name="used_is_never_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("top_up", "Top Up"),
                            ("credit", "Credit"),
                            ("hold", "Hold"),
                            ("capture", "Capture"),
                            ("release", "Release"),
                            ("refund", "Refund"),
                            ("adjustment", "Adjustment"),
                            ("upstream_cost", "Upstream Cost"),
                            ("loss", "Loss"),
                        ],
                        max_length=13,
                    ),
                ),
                ("amount", models.BigIntegerField()),
                ("seq", models.BigIntegerField(blank=True, null=True)),
                ("available_after", models.BigIntegerField(blank=True, null=True)),
                ("held_after", models.BigIntegerField(blank=True, null=True)),
                ("generation_id", models.UUIDField(blank=True, null=True)),
                ("attempt_id", models.UUIDField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, max_length=200)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=models.Func(
                            function="clock_timestamp", output_field=models.DateTimeField()
                        )
                    ),
                ),
                (
                    "credit",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="billing.account",
                    ),
                ),
                (
                    "debit",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="billing.account",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfers",
                        to="accounts.tenant",
                    ),
                ),
                ("evidence", models.BinaryField(max_length=32, null=True)),
                ("seal", models.BinaryField(max_length=32, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("kind__in", ["top_up", "credit", "refund", "adjustment"])
                        ),
                        fields=["tenant", "seq"],
                        name="given_by_seq",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="transfer_moves_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("debit", models.F("credit")), _negated=True),
                        name="transfer_goes_elsewhere",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("available_after__isnull", True),
                                ("held_after__isnull", True),
                                ("seq__isnull", True),
                                ("tenant__isnull", True),
                            ),
                            models.Q(
                                ("available_after__gte", 0),
                                ("held_after__gte", 0),
                                ("seq__isnull", False),
                                ("tenant__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="tenant_transfer_is_numbered",
                    ),
                    models.UniqueConstraint(fields=("tenant", "seq"), name="one_transfer_per_seq"),
                    models.UniqueConstraint(
                        condition=models.Q(("kind__in", ["hold", "capture", "release"])),
                        fields=("generation_id", "kind"),
                        name="one_hold_capture_release",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("attempt_id__isnull", False)),
                        fields=("attempt_id",),
                        name="one_cost_per_attempt",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageRollup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key_id", models.UUIDField()),
                ("model", models.CharField(max_length=100)),
                ("tier", models.CharField(blank=True, max_length=8)),
                ("channel", models.CharField(blank=True, max_length=100)),
                ("status", models.CharField(max_length=10)),
                ("hour", models.DateTimeField()),
                ("generations", models.BigIntegerField(default=0)),
                ("images", models.BigIntegerField(default=0)),
                ("captured_micros", models.BigIntegerField(default=0)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="usage",
                        to="accounts.tenant",
                    ),
                ),
                (
                    "latency",
                    models.JSONField(
                        default=dict,
                        help_text="Counts of times from request to image, by bucket of billing.latency.",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["hour"], name="usage_by_hour")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "hour", "key_id", "model", "tier", "channel", "status"),
                        name="one_rollup_per_hour",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("captured_micros__gte", 0), ("generations__gte", 0), ("images__gte", 0)
                        ),
                        name="usage_is_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BalanceAlert",
            fields=[
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="accounts.tenant",
                    ),
                ),
                (
                    "below_micros",
                    models.BigIntegerField(
                        blank=True,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "below_days",
                    models.PositiveIntegerField(
                        blank=True,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("page", models.CharField(max_length=300)),
                ("raised_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="BudgetWarning",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "period",
                    models.CharField(choices=[("day", "Day"), ("month", "Month")], max_length=5),
                ),
                ("window", models.DateField(help_text="The first day of the day or month, UTC.")),
                ("most_micros", models.BigIntegerField(help_text="The exceeded budget, micro-USD.")),
                (
                    "key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.apikey",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("key", "period", "window", "most_micros"),
                        name="one_budget_warning_per_window",
                    )
                ],
            },
        ),
        migrations.RunSQL(PLATFORM_ACCOUNTS),
        migrations.RunSQL(PUBLISHED_PRICES),
        migrations.RunSQL(LEDGER),
        migrations.RunSQL(HOLDS.read_text(encoding="utf-8")),
    ]
