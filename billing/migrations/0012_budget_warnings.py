import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0017_budgets_that_warn'),
        ('billing', '0011_given_by_seq'),
    ]

    operations = [
        migrations.CreateModel(
            name='BudgetWarning',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period', models.CharField(choices=[('day', 'Day'), ('month', 'Month')], max_length=5)),
                ('window', models.DateField(help_text='The first day of it, UTC.')),
                ('most_micros', models.BigIntegerField(help_text='The budget that was passed.')),
                ('key', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.apikey')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('key', 'period', 'window', 'most_micros'), name='one_budget_warning_per_window')],
            },
        ),
    ]
