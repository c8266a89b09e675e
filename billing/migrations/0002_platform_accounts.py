"""The platform's accounts under their fixed ids; tenants' accounts are numbered from 1000."""

from django.db import migrations

FORWARDS = """
ALTER TABLE billing_account ALTER COLUMN id SET START WITH 1000 RESTART;
INSERT INTO billing_account (id, kind) VALUES
    (1, 'platform_revenue'), (2, 'upstream_cost'), (3, 'upstream_payable'),
    (4, 'losses'), (5, 'top_ups'), (6, 'credits');
"""

BACKWARDS = "DELETE FROM billing_account WHERE id < 1000;"


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
