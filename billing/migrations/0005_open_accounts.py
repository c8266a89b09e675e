"""An account for every tenant that has none: those the admin made got none. Safe to run again."""

from django.db import migrations

FORWARDS = """
INSERT INTO billing_account (kind, tenant_id)
SELECT missing.kind, t.id
  FROM accounts_tenant t, (VALUES ('available'), ('held')) AS missing (kind)
 WHERE NOT EXISTS (SELECT FROM billing_tenantbalance b WHERE b.tenant_id = t.id)
ON CONFLICT (tenant_id, kind) DO NOTHING;

INSERT INTO billing_tenantbalance (tenant_id, available_account_id, held_account_id,
                                   available, held, seq, in_flight)
SELECT a.tenant_id, a.id, h.id, 0, 0, 0, 0
  FROM billing_account a JOIN billing_account h ON h.tenant_id = a.tenant_id
 WHERE a.kind = 'available' AND h.kind = 'held'
ON CONFLICT (tenant_id) DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_published_prices"),
        ("accounts", "0001_initial"),
    ]

    operations = [migrations.RunSQL(FORWARDS, migrations.RunSQL.noop)]
