"""Append-only tables: the trigger function, installed on the audit log.

UPDATE, DELETE and TRUNCATE are refused for everybody, the tables' owner included, and also under
session_replication_role = replica (ENABLE ALWAYS). The one way round: in a database whose name
begins with `test_`, TRUNCATE passes, because the test runner empties tables between tests; a
session that wants the real rule there sets `pictor.keep_ledger` to `on`.
"""

from django.db import migrations

FORWARDS = r"""
CREATE FUNCTION pictor_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND current_database() LIKE 'test\_%'
       AND current_setting('pictor.keep_ledger', true) IS DISTINCT FROM 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused. Correct a mistake with a new row.',
        TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_append_only();
ALTER TABLE accounts_auditevent ENABLE ALWAYS TRIGGER append_only;
"""

BACKWARDS = """
DROP TRIGGER append_only ON accounts_auditevent;
DROP FUNCTION pictor_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_config_revision")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
