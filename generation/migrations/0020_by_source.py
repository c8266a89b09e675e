from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """A tenant's few that came another way than by the API, among very many."""

    atomic = False
    dependencies = [("generation", "0019_kind_without_default")]
    operations = [
        AddIndexConcurrently(
            "generation",
            models.Index(
                condition=~models.Q(source="api"),
                fields=["tenant", "source", "-id"],
                name="generation_by_source",
            ),
        )
    ]
