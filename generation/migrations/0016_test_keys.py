"""Test keys: generations that cost nothing, and the channels that may make them.

A channel of the name and place that `seed` gives the embedded sandbox takes both from now on; no
other takes a test key's requests until its operator says so.
"""

from django.db import migrations, models

FORWARDS = """
CREATE FUNCTION pictor_test_stays_in_sandbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM generation_generation g, generation_channel c
                WHERE g.id = NEW.generation_id AND NOT g.livemode
                  AND c.id = NEW.channel_id AND c.serves = 'live') THEN
        RAISE EXCEPTION 'what a test key asked for is only ever sent to a sandbox'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER test_stays_in_sandbox
    BEFORE INSERT OR UPDATE OF generation_id, channel_id ON generation_attempt
    FOR EACH ROW EXECUTE FUNCTION pictor_test_stays_in_sandbox();
ALTER TABLE generation_attempt ENABLE ALWAYS TRIGGER test_stays_in_sandbox;

CREATE FUNCTION pictor_mode_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a generation stays live, or a test'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER mode_stays BEFORE UPDATE OF livemode ON generation_generation
    FOR EACH ROW WHEN (OLD.livemode IS DISTINCT FROM NEW.livemode)
    EXECUTE FUNCTION pictor_mode_stays();
ALTER TABLE generation_generation ENABLE ALWAYS TRIGGER mode_stays;
"""
BACKWARDS = """
DROP TRIGGER mode_stays ON generation_generation; DROP FUNCTION pictor_mode_stays();
DROP TRIGGER test_stays_in_sandbox ON generation_attempt;
DROP FUNCTION pictor_test_stays_in_sandbox();
"""
EMBEDDED_SANDBOX = """
UPDATE generation_channel SET serves = 'both'
 WHERE name = 'sandbox' AND base_url ~ '^http://(127[.]0[.]0[.]1|localhost)(:|/)';
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):
    """Columns, then the rules."""

    dependencies = [("generation", "0015_tasks_of_dall_e")]

    operations = [
        migrations.AddField(
            model_name="channel",
            name="serves",
            field=models.CharField(
                choices=[
                    ("live", "live keys"),
                    ("test", "test keys (a sandbox)"),
                    ("both", "live and test keys (a sandbox)"),
                ],
                db_default="live",
                default="live",
                help_text="Whose requests it takes. Let test keys only to a sandbox, which costs"
                " nothing.",
                max_length=4,
            ),
        ),
        migrations.AddConstraint(
            model_name="channel",
            constraint=models.CheckConstraint(
                condition=models.Q(("serves__in", ["live", "test", "both"])),
                name="channel_serves_live_or_test",
            ),
        ),
        migrations.AddField(
            model_name="generation",
            name="livemode",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="False where a test key asked: made by a sandbox, and no money is moved.",
            ),
        ),
        migrations.AddField(
            model_name="idempotencyrecord",
            name="livemode",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.RemoveConstraint(model_name="idempotencyrecord", name="idempotency_key_once"),
        migrations.AddConstraint(
            model_name="idempotencyrecord",
            constraint=models.UniqueConstraint(
                fields=("tenant", "livemode", "key"), name="idempotency_key_once"
            ),
        ),
        migrations.RunSQL(EMBEDDED_SANDBOX, migrations.RunSQL.noop),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
