"""Transfers are append-only, and each is sealed with a digest of its columns.

`ledger_check` computes the seals again, so that a row changed by someone who switched the triggers
off is found, whichever column it was. For the test database's way round see accounts 0003.
"""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION pictor_transfer_seal(t billing_transfer) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(format('%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s',
        t.id, t.kind, t.debit_id, t.credit_id, t.amount, t.tenant_id, t.seq, t.available_after,
        t.held_after, t.generation_id, t.attempt_id, extract(epoch FROM t.created_at), t.reason
    ), 'UTF8'))
$$;

CREATE FUNCTION pictor_seal_transfer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.seal := pictor_transfer_seal(NEW);
    RETURN NEW;
END
$$;

CREATE TRIGGER seal BEFORE INSERT ON billing_transfer
    FOR EACH ROW EXECUTE FUNCTION pictor_seal_transfer();
ALTER TABLE billing_transfer ENABLE ALWAYS TRIGGER seal;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_append_only();
ALTER TABLE billing_transfer ENABLE ALWAYS TRIGGER append_only;
"""

BACKWARDS = """
DROP TRIGGER append_only ON billing_transfer;
DROP TRIGGER seal ON billing_transfer;
DROP FUNCTION pictor_seal_transfer();
DROP FUNCTION pictor_transfer_seal(billing_transfer);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_platform_accounts"),
        ("accounts", "0003_append_only"),
    ]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
