"""Who got the credit for signing up, by digests."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_sessions_ended'),
    ]

    operations = [
        migrations.CreateModel(
            name='SignUpCredit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mailbox', models.BinaryField(max_length=32)),
                ('network', models.BinaryField(max_length=32)),
                ('amount_micros', models.BigIntegerField()),
                ('withheld', models.CharField(blank=True, choices=[('', 'Not'), ('mailbox', 'Mailbox'), ('network', 'Network'), ('ceiling', 'Ceiling')], max_length=7)),
                ('at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['at'], name='sign_up_credit_by_time')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('withheld', '')), fields=('mailbox',), name='one_credit_a_mailbox')],
            },
        ),
    ]
