from django.db import migrations, models


class Migration(migrations.Migration):
    """Exports of one list beside those of everything."""

    dependencies = [("storage", "0003_exports")]

    operations = [
        migrations.AddField(
            model_name="tenantexport",
            name="list_name",
            field=models.CharField(
                blank=True, db_default="", help_text="Empty: all that is kept.", max_length=20
            ),
        ),
        migrations.AddField(
            model_name="tenantexport",
            name="list_query",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="The filters of the list's address.",
                max_length=4000,
            ),
        ),
    ]
