"""Whether an image worker has a certificate for images."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0061_content_credentials'),
    ]

    operations = [
        migrations.AddField(
            model_name='worker',
            name='signs',
            field=models.BooleanField(db_default=False, default=False, help_text='It has a certificate for images.'),
        ),
    ]
