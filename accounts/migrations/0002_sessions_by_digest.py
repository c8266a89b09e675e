"""Sessions are kept by a digest of their key, and encrypted: everybody signs in once more."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_squashed_0017_budgets_that_warn"),
        ("sessions", "0001_initial"),
    ]

    operations = [migrations.RunSQL("DELETE FROM django_session", migrations.RunSQL.noop)]
