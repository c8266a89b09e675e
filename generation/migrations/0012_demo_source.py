"""One more word for where a generation was asked for; the column stays as it is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0011_source")]

    operations = [
        migrations.AlterField(
            model_name="generation",
            name="source",
            field=models.CharField(
                choices=[("api", "Api"), ("playground", "Playground"), ("demo", "Demo")],
                db_default="api",
                default="api",
                max_length=10,
            ),
        ),
    ]
