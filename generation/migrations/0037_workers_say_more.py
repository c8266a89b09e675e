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
            field=models.IntegerField(help_text='Generations running at `seen_at`.', null=True),
        ),
        migrations.AddField(
            model_name='worker',
            name='slots',
            field=models.IntegerField(help_text='The most generations it runs at once.', null=True),
        ),
        migrations.AddField(
            model_name='worker',
            name='version',
            field=models.CharField(blank=True, db_default='', help_text='Empty if written by 0.2.0.', max_length=40),
        ),
    ]
