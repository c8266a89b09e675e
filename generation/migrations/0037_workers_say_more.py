"""Which version an image worker is of, how many slots it has, and how many are taken."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0036_stops'),
    ]

    operations = [
        migrations.AddField(
            model_name='worker',
            name='in_hand',
            field=models.IntegerField(help_text='How many it had then.', null=True),
        ),
        migrations.AddField(
            model_name='worker',
            name='slots',
            field=models.IntegerField(help_text='How many generations it may have in hand.', null=True),
        ),
        migrations.AddField(
            model_name='worker',
            name='version',
            field=models.CharField(blank=True, db_default='', help_text='Empty where 0.2.0 wrote it.', max_length=40),
        ),
    ]
