"""Usage rows say their times as one number too, whichever version of a process writes them."""

from django.db import migrations, models

NUMBER = """
-- What is no count is none.
CREATE FUNCTION pictor_counts_v1(latency jsonb) RETURNS TABLE (bucket text, count bigint)
LANGUAGE sql IMMUTABLE AS $$
    SELECT each.key, each.value::bigint
      FROM jsonb_each_text(CASE jsonb_typeof(latency) WHEN 'object' THEN latency END) AS each
     WHERE each.key ~ '^[1-4]?[0-9]$' AND each.value ~ '^-?[0-9]{1,12}$'
$$;
CREATE FUNCTION pictor_times_v1(latency jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(SUM((count || 'e' || 12 * bucket::int)::numeric), 0)
      FROM pictor_counts_v1(latency)
$$;
CREATE FUNCTION pictor_usage_times_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.times := pictor_times_v1(NEW.latency);
    RETURN NEW;
END
$$;
CREATE TRIGGER usage_times BEFORE INSERT OR UPDATE OF latency ON billing_usagerollup
    FOR EACH ROW EXECUTE FUNCTION pictor_usage_times_v1();
"""
NO_NUMBER = """
DROP TRIGGER usage_times ON billing_usagerollup;
DROP FUNCTION pictor_usage_times_v1();
DROP FUNCTION pictor_times_v1(jsonb);
DROP FUNCTION pictor_counts_v1(jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_ledger_proofs")]
    fills = "usage_times"

    operations = [
        migrations.AddField(
            "usagerollup",
            "times",
            models.DecimalField(
                decimal_places=0,
                editable=False,
                help_text="The counts of `latency` as one number, written by a trigger.",
                max_digits=600,
                null=True,
            ),
        ),
        migrations.RunSQL(NUMBER, NO_NUMBER),
    ]
