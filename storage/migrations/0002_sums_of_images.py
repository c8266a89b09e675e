"""The index of images that are there has what is summed of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("storage", "0001_squashed_0008_fewer_indexes")]

    operations = [
        migrations.RemoveIndex(model_name="storedimage", name="stored_image_to_expire"),
        migrations.AddIndex(
            model_name="storedimage",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", True)),
                fields=["expires_at"],
                include=("tenant", "size_bytes"),
                name="stored_image_to_expire",
            ),
        ),
    ]
