"""The configuration's revision: its row and the trigger function that changes it.

Installed on a table with
    CREATE TRIGGER bump_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON the_table
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_bump_revision();
The row makes itself where it is missing (test databases are emptied between tests).
"""

from django.db import migrations

FORWARDS = """
CREATE SEQUENCE accounts_config_revision;

CREATE FUNCTION pictor_bump_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO accounts_configrevision (id, revision)
    VALUES (1, nextval('accounts_config_revision'))
    ON CONFLICT (id) DO UPDATE SET revision = nextval('accounts_config_revision');
    RETURN NULL;
END
$$;

INSERT INTO accounts_configrevision (id, revision)
VALUES (1, nextval('accounts_config_revision'));
"""

BACKWARDS = """
DROP FUNCTION pictor_bump_revision();
DROP SEQUENCE accounts_config_revision;
DELETE FROM accounts_configrevision;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
