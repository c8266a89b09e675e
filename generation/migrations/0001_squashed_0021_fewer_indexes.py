"""Channels, contracts, generations and what is known of them."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import pictor.kit.words.ids
from django.db import migrations, models

import generation.models.offer

TEST_KEYS = """
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
"""What a test key asks for is only ever sent to a channel for tests."""
MODE_OF_KEY = """
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
"""A generation is live or a test as its key is."""
REVISION = """
CREATE TRIGGER bump_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_bump_revision();
"""
"""Every change of contracts, channels and routes bumps the configuration's revision."""
TABLES = ("generation_contract", "generation_channel", "generation_route")


class Migration(migrations.Migration):
    initial = True

    dependencies = [("accounts", "0001_squashed_0017_budgets_that_warn")]

    operations = [
        migrations.CreateModel(
            name="Channel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=64, unique=True)),
                ("kind", models.CharField(max_length=32)),
                ("base_url", models.CharField(max_length=500)),
                (
                    "credentials",
                    models.TextField(
                        blank=True, help_text="The API key, encrypted; write-only in every form."
                    ),
                ),
                ("priority", models.IntegerField(default=10)),
                ("weight", models.PositiveIntegerField(default=1)),
                ("timeout_seconds", models.PositiveIntegerField(default=240)),
                ("max_concurrency", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "sizes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=16),
                        blank=True,
                        help_text="Sizes taken natively; empty for every size.",
                        null=True,
                        size=None,
                    ),
                ),
                (
                    "ignored_fields",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32),
                        blank=True,
                        default=list,
                        help_text="Request fields that this channel cannot honour; reported in metadata.ignored.",
                        size=None,
                    ),
                ),
                (
                    "allows_exact_crop",
                    models.BooleanField(
                        default=False,
                        help_text="May serve exact models by cropping a larger native size.",
                    ),
                ),
                (
                    "allows_redispatch",
                    models.BooleanField(
                        default=True,
                        help_text="May be called again after a crash on our side cut off a call.",
                    ),
                ),
                (
                    "retry_is_free",
                    models.BooleanField(
                        default=False,
                        help_text="Bad results are free here, so the call is repeated once.",
                    ),
                ),
                (
                    "class_overrides",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text='HTTP status to attempt class, as {"429": "unknown"}.',
                    ),
                ),
                ("is_enabled", models.BooleanField(default=False)),
                (
                    "reset_count",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Raised by a reset, which makes processes forget breakers, gates and counters.",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "approved_digest",
                    models.CharField(
                        blank=True,
                        db_default="",
                        help_text="Of the kind, address and stored key that were tested, or enabled untested.",
                        max_length=64,
                    ),
                ),
                (
                    "refused_tasks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=10),
                        blank=True,
                        default=list,
                        help_text="Tasks that its kind supports and this channel does not: edit, variation.",
                        size=None,
                    ),
                ),
                (
                    "max_images",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="The most input images of an edit; empty for its kind's own limit.",
                        null=True,
                    ),
                ),
                (
                    "serves",
                    models.CharField(
                        choices=[
                            ("live", "live keys"),
                            ("test", "test keys (a sandbox)"),
                            ("both", "live and test keys (a sandbox)"),
                        ],
                        db_default="live",
                        default="live",
                        help_text="The keys whose requests it takes. Only a sandbox may take test keys.",
                        max_length=4,
                    ),
                ),
            ],
            options={
                "ordering": ["priority", "name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("serves__in", ["live", "test", "both"])),
                        name="channel_serves_live_or_test",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Contract",
            fields=[
                ("model", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("position", models.PositiveSmallIntegerField(default=0)),
                (
                    "sizes",
                    models.JSONField(help_text='List of {"size", "tier", "ratio" or "preset"}.'),
                ),
                ("accepts_auto", models.BooleanField(default=False)),
                ("default_size", models.CharField(default="1024x1024", max_length=16)),
                (
                    "qualities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=16), size=None
                    ),
                ),
                ("quality_default", models.CharField(max_length=16)),
                ("quality_aliases", models.JSONField(blank=True, default=dict)),
                ("prompt_max_chars", models.PositiveIntegerField()),
                ("max_n", models.PositiveSmallIntegerField(default=10)),
                ("response_format_default", models.CharField(default="url", max_length=16)),
                (
                    "is_exact",
                    models.BooleanField(
                        default=False,
                        help_text="Only channels that take the size natively may serve it.",
                    ),
                ),
                ("is_enabled", models.BooleanField(default=False)),
                (
                    "tasks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=10),
                        default=generation.models.offer.usual_tasks,
                        help_text="The tasks it offers: generate, edit, variation.",
                        size=None,
                    ),
                ),
            ],
            options={
                "ordering": ["position", "model"],
            },
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                (
                    "epoch",
                    models.UUIDField(
                        default=pictor.kit.words.ids.new_uuid, primary_key=True, serialize=False
                    ),
                ),
                ("host", models.CharField(max_length=255)),
                ("pid", models.IntegerField()),
                (
                    "started_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "seen_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("stopped_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Generation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=pictor.kit.words.ids.new_uuid, primary_key=True, serialize=False
                    ),
                ),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("model", models.CharField(max_length=64)),
                ("prompt", models.TextField()),
                ("n", models.PositiveSmallIntegerField()),
                ("size_requested", models.CharField(max_length=16)),
                ("size", models.CharField(help_text="Pixels as WxH, or auto.", max_length=16)),
                ("tier", models.CharField(max_length=8)),
                (
                    "quality_requested",
                    models.CharField(help_text="The contract's word, or auto.", max_length=16),
                ),
                (
                    "quality_sent",
                    models.CharField(
                        blank=True,
                        help_text="The caller's own word; empty if none was sent.",
                        max_length=16,
                    ),
                ),
                ("response_format", models.CharField(max_length=16)),
                ("output_format", models.CharField(max_length=8)),
                ("output_compression", models.PositiveSmallIntegerField(null=True)),
                ("strict_size", models.BooleanField(default=False)),
                (
                    "fields",
                    models.JSONField(
                        default=dict, help_text="Further fields, passed on unchanged."
                    ),
                ),
                (
                    "inputs",
                    models.JSONField(
                        default=list, help_text="Stored large inputs: key, bytes, sha256."
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("canceled", "Canceled"),
                        ],
                        default="queued",
                        max_length=16,
                    ),
                ),
                ("dispatch", models.PositiveSmallIntegerField(default=0)),
                ("deadline_at", models.DateTimeField()),
                ("rings", models.PositiveSmallIntegerField(default=1)),
                ("rung_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "priced",
                    models.JSONField(help_text="The quote's snapshot: all that settlement needs."),
                ),
                (
                    "held_micros",
                    models.BigIntegerField(
                        help_text="The quote, held until the generation is final."
                    ),
                ),
                ("captured_micros", models.BigIntegerField(null=True)),
                ("quality_billed", models.CharField(blank=True, max_length=16)),
                ("quality_source", models.CharField(blank=True, max_length=16)),
                ("answer", models.JSONField(help_text="The answer without its urls.", null=True)),
                (
                    "error",
                    models.JSONField(help_text="Its status, type, code, message and param.", null=True),
                ),
                (
                    "api_key",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="accounts.apikey",
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="generation.channel",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="accounts.tenant",
                    ),
                ),
                (
                    "worker",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="generation.worker",
                    ),
                ),
                ("body_digest", models.BinaryField(max_length=32, null=True)),
                (
                    "orphaned_at",
                    models.DateTimeField(
                        help_text="When its caller's connection ended without an answer.", null=True
                    ),
                ),
                (
                    "partial_images",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Previews of each image that a streaming caller requested.",
                    ),
                ),
                (
                    "turn",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Number of the waiting caller, raised by each retry that takes over.",
                    ),
                ),
                (
                    "web_process",
                    models.BigIntegerField(
                        help_text="The web process in which its caller still waits for an answer.", null=True
                    ),
                ),
                (
                    "lost_with",
                    models.UUIDField(
                        help_text="The last dead worker that was running it.", null=True
                    ),
                ),
                (
                    "quarantine",
                    models.PositiveSmallIntegerField(
                        db_default=0,
                        default=0,
                        help_text="Generations that its dead worker was running, including this one; 0: none.",
                    ),
                ),
                (
                    "cleaned_at",
                    models.DateTimeField(
                        help_text="When objects left by its unfinished dispatches were removed.",
                        null=True,
                    ),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(help_text="When its tenant deleted it.", null=True),
                ),
                (
                    "words_forgotten_at",
                    models.DateTimeField(
                        help_text="When the prompt, further fields and digests were erased.",
                        null=True,
                    ),
                ),
                (
                    "deaths",
                    models.PositiveSmallIntegerField(
                        db_default=0, default=0, help_text="The number of workers that died while running it."
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[("api", "Api"), ("playground", "Playground"), ("demo", "Demo")],
                        db_default="api",
                        default="api",
                        max_length=10,
                    ),
                ),
                (
                    "task",
                    models.CharField(db_default="generate", default="generate", max_length=10),
                ),
                (
                    "livemode",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="False for a request by a test key: a sandbox serves it, and no money moves.",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant", "-id"], name="generation_of_tenant"),
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "running"])),
                        fields=["state", "rung_at"],
                        name="generation_unfinished",
                    ),
                    models.Index(
                        condition=models.Q(("inputs", []), _negated=True),
                        fields=["finished_at"],
                        name="generation_with_inputs",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("web_process__isnull", False),
                            ("orphaned_at__isnull", False),
                            _connector="OR",
                        ),
                        fields=["api_key", "body_digest"],
                        name="generation_unanswered",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("cleaned_at", None),
                            ("dispatch__gt", 0),
                            ("finished_at__isnull", False),
                            models.Q(("dispatch", 1), ("state", "succeeded"), _negated=True),
                        ),
                        fields=["id"],
                        name="generation_to_clean",
                    ),
                    models.Index(
                        condition=models.Q(("livemode", False)),
                        fields=["tenant", "-id"],
                        name="generation_tests_of_tenant",
                    ),
                    models.Index(
                        condition=models.Q(("source", "api"), _negated=True),
                        fields=["tenant", "source", "-id"],
                        name="generation_by_source",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("held_micros__gte", 0),
                            models.Q(
                                ("captured_micros__isnull", True),
                                models.Q(
                                    ("captured_micros__gte", 0),
                                    ("captured_micros__lte", models.F("held_micros")),
                                ),
                                _connector="OR",
                            ),
                        ),
                        name="generation_captured_at_most_held",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("captured_micros__isnull", True),
                                ("finished_at__isnull", True),
                                ("state__in", ["queued", "running"]),
                            ),
                            models.Q(
                                ("captured_micros__isnull", False),
                                ("finished_at__isnull", False),
                                ("state__in", ["succeeded", "failed", "canceled"]),
                            ),
                            _connector="OR",
                        ),
                        name="generation_final_is_settled",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=pictor.kit.words.ids.new_uuid, primary_key=True, serialize=False
                    ),
                ),
                ("dispatch", models.PositiveSmallIntegerField()),
                (
                    "number",
                    models.PositiveSmallIntegerField(help_text="Its number within the dispatch, from 1."),
                ),
                ("upstream_model", models.CharField(max_length=128)),
                ("upstream_size", models.CharField(blank=True, max_length=16)),
                (
                    "started_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                ("attempt_class", models.CharField(blank=True, max_length=16)),
                ("http_status", models.PositiveSmallIntegerField(null=True)),
                ("upstream_request_id", models.CharField(blank=True, max_length=200)),
                ("may_have_billed", models.BooleanField(default=False)),
                ("cost_micros", models.BigIntegerField(default=0)),
                ("detail", models.CharField(blank=True, max_length=500)),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="generation.channel"
                    ),
                ),
                (
                    "generation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="generation.generation",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("generation", "dispatch", "number"), name="attempt_number_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=255)),
                ("body_digest", models.BinaryField(max_length=32)),
                ("created_at", models.DateTimeField(db_index=True)),
                (
                    "generation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="generation.generation"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="accounts.tenant",
                    ),
                ),
                ("livemode", models.BooleanField(db_default=True, default=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "livemode", "key"), name="idempotency_key_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Route",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("upstream_model", models.CharField(max_length=128)),
                (
                    "sizes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=16),
                        blank=True,
                        help_text="Native sizes for this model; empty for the channel's.",
                        null=True,
                        size=None,
                    ),
                ),
                (
                    "quality_map",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text='Our quality words to the upstream\'s, as {"high":"hd"}.',
                    ),
                ),
                (
                    "cost_micros",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Our flat cost of one image here, micro-USD; empty if it is not flat.",
                        null=True,
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="routes",
                        to="generation.channel",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="routes",
                        to="generation.contract",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("channel", "contract"), name="route_once_per_channel"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PromptsForgotten",
            fields=[
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="accounts.tenant",
                    ),
                ),
                ("until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="WatchedDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "part",
                    models.CharField(help_text="API, Image workers, or a model.", max_length=64),
                ),
                ("day", models.DateField()),
                ("looks", models.PositiveIntegerField()),
                ("failed", models.PositiveIntegerField()),
                ("looked_at", models.DateTimeField()),
                ("first_failed_at", models.DateTimeField(null=True)),
                ("last_failed_at", models.DateTimeField(null=True)),
                (
                    "trouble",
                    models.CharField(
                        help_text="The finding of the last failed check.", max_length=100
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("part", "day"), name="watched_day_once")
                ],
            },
        ),
        migrations.RunSQL(TEST_KEYS),
        migrations.RunSQL(MODE_OF_KEY),
        *(migrations.RunSQL(REVISION.format(table=table)) for table in TABLES),
    ]
