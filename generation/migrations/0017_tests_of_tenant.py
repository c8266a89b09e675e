"""An index for what a test key lists: a tenant's tests may be few among very many live ones."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One index."""

    dependencies = [("generation", "0016_test_keys")]

    operations = [
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("livemode", False)),
                fields=["tenant", "-id"],
                name="generation_tests_of_tenant",
            ),
        ),
    ]
