"""Invitations that staff make, who need not be members."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_staff_roles'),
    ]

    operations = [
        migrations.AddField(
            model_name='invitation',
            name='is_of_staff',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
