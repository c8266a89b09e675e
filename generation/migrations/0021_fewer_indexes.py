import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """An attempt is found by its generation in `attempt_number_once`, which begins with it."""

    dependencies = [("generation", "0020_by_source")]
    operations = [
        migrations.AlterField(
            model_name="attempt",
            name="generation",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attempts",
                to="generation.generation",
            ),
        )
    ]
