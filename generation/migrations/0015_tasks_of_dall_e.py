"""The models that do more or less than generate and edit, where they were seeded already."""

from django.db import migrations

TASKS = {"dall-e-2": ["generate", "edit", "variation"], "dall-e-3": ["generate"]}


def say_tasks(apps, schema_editor):
    for model, tasks in TASKS.items():
        apps.get_model("generation", "Contract").objects.filter(model=model).update(tasks=tasks)


class Migration(migrations.Migration):

    dependencies = [
        ("generation", "0014_tasks"),
    ]

    operations = [migrations.RunPython(say_tasks, migrations.RunPython.noop)]
