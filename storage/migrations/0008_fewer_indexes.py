import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """No index twice: a tenant's images have one with their time, and keys are looked up whole.

    The unique constraint of keys stays as it is, under its name; Django's model names it now, and
    asks for no second index, for keys that begin alike, beside it.
    """

    dependencies = [("storage", "0007_icons")]
    operations = [
        migrations.AlterField(
            model_name="storedimage",
            name="tenant",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.tenant",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "DROP INDEX IF EXISTS storage_storedimage_object_key_4522faef_like",
                    "CREATE INDEX storage_storedimage_object_key_4522faef_like"
                    " ON storage_storedimage (object_key varchar_pattern_ops)",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="storedimage",
                    name="object_key",
                    field=models.CharField(max_length=200),
                ),
                migrations.AddConstraint(
                    model_name="storedimage",
                    constraint=models.UniqueConstraint(
                        fields=["object_key"], name="storage_storedimage_object_key_key"
                    ),
                ),
            ],
        ),
    ]
