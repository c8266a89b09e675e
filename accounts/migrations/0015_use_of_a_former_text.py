from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0014_models_of_a_workspace'),
    ]

    operations = [
        migrations.AddField(
            model_name='apikey',
            name='previous_used_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
