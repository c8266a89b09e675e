"""Shared price lists: their books are owned by them, and tenants are assigned to them."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.db import migrations, models

import pictor.kit.words.ids

ASSIGNMENTS = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_pricelistassignment
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_append_only();
CREATE TRIGGER bump_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON billing_pricelistassignment
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_bump_revision();

ALTER TABLE billing_pricelistassignment ENABLE ALWAYS TRIGGER append_only;
"""
"""As of price books: an assignment holds for every request sent after it was made."""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_audit_indexes"),
        ("billing", "0013_credits_by_their_time"),
    ]
    loosens = "billing_pricebook_tenant_id_a589b45b_fk_accounts_tenant_id"
    """The release before writes only what this allowed, and reads no book of another owner."""

    operations = [
        migrations.CreateModel(
            name="PriceList",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=pictor.kit.words.ids.new_uuid,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"),
                        name="price_lists_have_own_names",
                    )
                ]
            },
        ),
        migrations.AlterField(
            model_name="pricebook",
            name="tenant",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                help_text="The owner: a tenant, or a shared list by its id. Empty: everyone's.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="price_books",
                to="accounts.tenant",
            ),
        ),
        migrations.CreateModel(
            name="PriceListAssignment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "since",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "price_list",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.pricelist",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.tenant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["tenant", "-id"], name="price_list_of_a_tenant")]
            },
        ),
        migrations.RunSQL(ASSIGNMENTS),
    ]
