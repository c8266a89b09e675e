"""Seals become a chain under a key that the database does not hold; see billing/seals.py.

Nothing is rewritten, so this is quick on a table of any size: the old digests go, the columns of
the chain come empty, and `manage.py ledger_seal` takes what is there into the chain.
"""

from django.db import migrations, models

FORWARDS = """
DROP TRIGGER seal ON billing_transfer;
DROP FUNCTION pictor_seal_transfer();
DROP FUNCTION pictor_transfer_seal(billing_transfer);
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_open_accounts")]

    operations = [
        migrations.RunSQL(FORWARDS),
        migrations.RemoveField("transfer", "seal"),
        migrations.AddField(
            "transfer",
            "evidence",
            models.BinaryField(editable=False, max_length=32, null=True),
        ),
        migrations.AddField(
            "transfer", "seal", models.BinaryField(editable=False, max_length=32, null=True)
        ),
        migrations.AddField(
            "tenantbalance", "seal", models.BinaryField(editable=False, max_length=32, null=True)
        ),
        migrations.AddField(
            "tenantbalance",
            "previous_seal",
            models.BinaryField(editable=False, max_length=32, null=True),
        ),
    ]
