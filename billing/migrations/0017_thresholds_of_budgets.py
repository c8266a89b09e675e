"""How much of a budget was announced: 0.2.0 announces only all of it, and writes nothing here."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0016_holds_together")]

    operations = [
        migrations.AddField("budgetwarning", "percent", models.SmallIntegerField(db_default=100)),
        migrations.AlterField(
            "budgetwarning",
            "most_micros",
            models.BigIntegerField(help_text="The budget, micro-USD."),
        ),
    ]
