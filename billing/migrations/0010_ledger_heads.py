from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0009_sold_days")]

    operations = [
        migrations.CreateModel(
            name="LedgerHead",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("kept_at", models.DateTimeField()),
                (
                    "tenants",
                    models.PositiveIntegerField(help_text="The number of tenants with a head in the file."),
                ),
                (
                    "content",
                    models.TextField(help_text="The file, as `ledger_head --json` prints it."),
                ),
            ],
        ),
    ]
