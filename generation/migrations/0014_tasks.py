from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

import generation.models


class Migration(migrations.Migration):

    dependencies = [
        ("generation", "0013_watched_days"),
    ]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="task",
            field=models.CharField(db_default="generate", default="generate", max_length=10),
        ),
        migrations.AddField(
            model_name="channel",
            name="refused_tasks",
            field=ArrayField(base_field=models.CharField(max_length=10), blank=True, default=list, help_text="Of what its kind can do, what this channel cannot: edit, variation.", size=None),
        ),
        migrations.AddField(
            model_name="channel",
            name="max_images",
            field=models.PositiveSmallIntegerField(blank=True, help_text="Images one edit may begin with; empty: as its kind.", null=True),
        ),
        migrations.AddField(
            model_name="contract",
            name="tasks",
            field=ArrayField(base_field=models.CharField(max_length=10), default=generation.models.usual_tasks, help_text="What can be asked of it: generate, edit, variation.", size=None),
        ),
    ]
