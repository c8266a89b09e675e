from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0015_use_of_a_former_text'),
    ]

    operations = [
        migrations.AddField(
            model_name='tenant',
            name='requires_second_factor',
            field=models.BooleanField(db_default=False, default=False, editable=False, help_text='Whether its members see it only with a second factor.'),
        ),
    ]
