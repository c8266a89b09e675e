"""A transfer may take back another one, or correct a cost by a line of a vendor's bill."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0006_times_of_before'),
    ]

    operations = [
        migrations.AlterField(
            model_name='transfer',
            name='kind',
            field=models.CharField(choices=[('top_up', 'Top Up'), ('credit', 'Credit'), ('hold', 'Hold'), ('capture', 'Capture'), ('release', 'Release'), ('refund', 'Refund'), ('adjustment', 'Adjustment'), ('reversal', 'Reversal'), ('upstream_cost', 'Upstream Cost'), ('loss', 'Loss'), ('correction', 'Cost correction')], max_length=13),
        ),
        migrations.AddField(
            model_name='transfer',
            name='reverses_seq',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='transfer',
            name='corrects_id',
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='transfer',
            name='line',
            field=models.CharField(blank=True, max_length=200, null=True),
        ),
    ]
