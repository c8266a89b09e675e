"""Failed requests are counted by the hour and code, whichever version of a process ends them."""

from django.db import migrations

COUNT = """
CREATE FUNCTION pictor_count_failure_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO billing_failurerollup AS f (tenant_id, key_id, model, tier, code, hour, generations)
    VALUES (NEW.tenant_id, NEW.api_key_id, NEW.model, NEW.tier,
            COALESCE(NEW.error ->> 'code', ''), date_trunc('hour', NEW.finished_at, 'UTC'), 1)
    ON CONFLICT (tenant_id, hour, key_id, model, tier, code)
    DO UPDATE SET generations = f.generations + 1;
    RETURN NULL;
END
$$;
CREATE TRIGGER failures_counted AFTER UPDATE OF state ON generation_generation
    FOR EACH ROW WHEN (NEW.state = 'failed' AND OLD.state <> 'failed' AND NEW.livemode)
    EXECUTE FUNCTION pictor_count_failure_v1();
"""
NO_COUNT = """
DROP TRIGGER failures_counted ON generation_generation;
DROP FUNCTION pictor_count_failure_v1();
"""


class Migration(migrations.Migration):
    dependencies = [("generation", "0046_codes_of_alert_tests"), ("billing", "0019_failures")]
    fills = "failures_counted"

    operations = [migrations.RunSQL(COUNT, NO_COUNT)]
