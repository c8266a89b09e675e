"""Usage by tag, which leaves a tag's row in the transaction that forgets a generation's words."""

import django.db.models.deletion
from django.db import migrations, models

UNTAG = """
INSERT INTO generation_taggeduntil (id, transfer_id) VALUES (1, 0);
CREATE FUNCTION pictor_untag_v1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    counted_to bigint;
    its_tag text := left(COALESCE(NULLIF(OLD.fields ->> 'user', ''),
                                  OLD.fields ->> 'safety_identifier', ''), 500);
    its_day date := (OLD.finished_at AT TIME ZONE 'UTC')::date;
    its_images bigint;
    its_row bigint;
BEGIN
    SELECT transfer_id INTO counted_to FROM generation_taggeduntil FOR UPDATE;
    IF NOT EXISTS (SELECT FROM billing_transfer
                    WHERE generation_id = OLD.id AND id <= counted_to
                      AND kind = CASE WHEN OLD.captured_micros > 0 THEN 'capture' ELSE 'release' END)
    THEN
        RETURN NULL;
    END IF;
    SELECT COUNT(*) INTO its_images FROM storage_storedimage WHERE generation_id = OLD.id;
    UPDATE generation_taggedday
       SET generations = generations - 1, failed = failed - (OLD.state = 'failed')::int,
           images = images - its_images, captured_micros = captured_micros - OLD.captured_micros
     WHERE id = (SELECT id FROM generation_taggedday
                  WHERE tenant_id = OLD.tenant_id AND day = its_day
                    AND (part, tag) IN (('further', ''), (CASE its_tag WHEN '' THEN 'none' ELSE 'tag' END, its_tag))
                  ORDER BY part = 'further' LIMIT 1)
    RETURNING id INTO its_row;
    DELETE FROM generation_taggedday WHERE id = its_row AND generations = 0;
    INSERT INTO generation_taggedday AS d
           (tenant_id, day, part, tag, generations, failed, images, captured_micros)
    VALUES (OLD.tenant_id, its_day, 'erased', '', 1, (OLD.state = 'failed')::int, its_images,
            OLD.captured_micros)
    ON CONFLICT (tenant_id, day, part, tag) DO UPDATE
       SET generations = d.generations + 1, failed = d.failed + EXCLUDED.failed,
           images = d.images + EXCLUDED.images,
           captured_micros = d.captured_micros + EXCLUDED.captured_micros;
    RETURN NULL;
END
$$;
CREATE TRIGGER tags_erased AFTER UPDATE OF words_forgotten_at ON generation_generation
    FOR EACH ROW WHEN (NEW.words_forgotten_at IS NOT NULL AND OLD.words_forgotten_at IS NULL
                       AND OLD.livemode AND OLD.finished_at IS NOT NULL)
    EXECUTE FUNCTION pictor_untag_v1();
"""
TAG = """
DROP TRIGGER tags_erased ON generation_generation;
DROP FUNCTION pictor_untag_v1();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_uncharged_ceiling"),
        ("generation", "0048_failures_of_before"),
        ("billing", "0019_failures"),
        ("storage", "0002_sums_of_images"),
    ]
    fills = "tags_erased"

    operations = [
        migrations.CreateModel(
            name="TaggedDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("part", models.CharField(choices=[("tag", "A tag"), ("none", "No tag"), ("further", "Further tags"), ("erased", "Erased")], max_length=8)),
                ("tag", models.CharField(blank=True, max_length=500)),
                ("generations", models.BigIntegerField()),
                ("failed", models.BigIntegerField()),
                ("images", models.BigIntegerField()),
                ("captured_micros", models.BigIntegerField()),
                ("tenant", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.tenant")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("tenant", "day", "part", "tag"), name="tagged_once_a_day")],
            },
        ),
        migrations.CreateModel(
            name="TaggedUntil",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("transfer_id", models.BigIntegerField(default=0)),
                ("until", models.DateTimeField(help_text="The time up to which all are counted.", null=True)),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("pk", 1)), name="tagged_until_is_one_row")],
            },
        ),
        migrations.RunSQL(UNTAG, TAG),
    ]
