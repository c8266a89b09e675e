from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0016_second_factor_of_members'),
    ]

    operations = [
        migrations.AddField(
            model_name='apikey',
            name='budget_warns_only',
            field=models.BooleanField(db_default=False, default=False, help_text='Requests pass beyond its budgets.'),
        ),
    ]
