"""A key stays its tenant's, and a test key a test key: what was ordered with it proves by whom."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION pictor_key_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a key stays with its tenant, and what it is'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER key_stays BEFORE UPDATE OF id, tenant_id, is_test ON accounts_apikey
    FOR EACH ROW WHEN ((OLD.id, OLD.tenant_id, OLD.is_test)
        IS DISTINCT FROM (NEW.id, NEW.tenant_id, NEW.is_test))
    EXECUTE FUNCTION pictor_key_stays();
ALTER TABLE accounts_apikey ENABLE ALWAYS TRIGGER key_stays;
"""
BACKWARDS = "DROP TRIGGER key_stays ON accounts_apikey; DROP FUNCTION pictor_key_stays();"


class Migration(migrations.Migration):
    """The trigger."""

    dependencies = [("accounts", "0007_people")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
