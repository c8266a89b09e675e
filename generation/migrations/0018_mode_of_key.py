"""A generation is live or a test as its key is. Rows from before test keys were free stay."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION pictor_mode_of_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.livemode = (SELECT is_test FROM accounts_apikey WHERE id = NEW.api_key_id) THEN
        RAISE EXCEPTION 'a generation is live, or a test, as its key is'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER mode_of_key BEFORE INSERT ON generation_generation
    FOR EACH ROW EXECUTE FUNCTION pictor_mode_of_key();
ALTER TABLE generation_generation ENABLE ALWAYS TRIGGER mode_of_key;
"""
BACKWARDS = """
DROP TRIGGER mode_of_key ON generation_generation; DROP FUNCTION pictor_mode_of_key();
"""


class Migration(migrations.Migration):
    """One rule."""

    dependencies = [
        ("accounts", "0008_keys_stay"),
        ("generation", "0017_tests_of_tenant"),
    ]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
