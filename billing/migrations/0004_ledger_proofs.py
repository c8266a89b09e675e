"""How far the ledger is proved, and what its last proofs found."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0003_uncharged_cost'),
    ]

    operations = [
        migrations.CreateModel(
            name='LedgerCheckpoint',
            fields=[
                ('name', models.CharField(max_length=50, primary_key=True, serialize=False)),
                ('seq', models.BigIntegerField()),
                ('seal', models.BinaryField(max_length=32)),
                ('available', models.BigIntegerField()),
                ('held', models.BigIntegerField()),
                ('mark', models.BinaryField(max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name='LedgerProof',
            fields=[
                ('kind', models.CharField(choices=[('since_checkpoint', 'since the checkpoint'), ('whole', 'the whole')], max_length=16, primary_key=True, serialize=False)),
                ('began_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField()),
                ('found', models.PositiveIntegerField(help_text='The number of findings.')),
                ('findings', models.JSONField(help_text='The first findings, as `ledger_check --json` prints them.')),
            ],
        ),
    ]
