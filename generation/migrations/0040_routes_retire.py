"""When the vendor ends the model behind a route."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0039_life_of_a_model'),
    ]

    operations = [
        migrations.AddField(
            model_name='route',
            name='retires_on',
            field=models.DateField(blank=True, help_text="The first UTC day on which the vendor no longer offers the model.", null=True),
        ),
    ]
