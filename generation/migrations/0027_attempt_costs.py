"""An attempt keeps what was asked upstream and what came of it, and how its cost is known."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('generation', '0026_storage_trouble'),
    ]

    operations = [
        migrations.AddField(
            model_name='attempt',
            name='cost_source',
            field=models.CharField(blank=True, db_default='', default='', help_text='A `CostSource`; empty while open, or if written by 0.2.0 or earlier.', max_length=8),
        ),
        migrations.AddField(
            model_name='attempt',
            name='images_received',
            field=models.SmallIntegerField(help_text='Only images that could be decoded.', null=True),
        ),
        migrations.AddField(
            model_name='attempt',
            name='input_image_tokens',
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name='attempt',
            name='input_text_tokens',
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name='attempt',
            name='n',
            field=models.SmallIntegerField(help_text='The number of images requested.', null=True),
        ),
        migrations.AddField(
            model_name='attempt',
            name='output_tokens',
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name='attempt',
            name='upstream_quality',
            field=models.CharField(blank=True, db_default='', help_text='The word sent; empty if none was.', max_length=64),
        ),
    ]
