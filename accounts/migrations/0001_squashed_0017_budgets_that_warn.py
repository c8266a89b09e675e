"""People, tenants, keys, mail, the audit log and the configuration's revision."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import pictor.kit.words.ids
from django.conf import settings
from django.db import migrations, models

import accounts.models.tenants
import accounts.validators

REVISION = """
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
"""The configuration's row, and the trigger function that changes it, for whatever table wants it.

The row makes itself where it is missing: test databases are emptied between tests.
"""
APPEND_ONLY = r"""
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
"""UPDATE, DELETE and TRUNCATE are refused for everybody, the owner and replication included.

One way round: in a database whose name begins with `test_`, TRUNCATE passes, because tests empty
tables; a session that wants the real rule there sets `pictor.keep_ledger` to `on`.
"""
AUDIT_LINKS = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts_auditlink
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_append_only();
ALTER TABLE accounts_auditlink ENABLE ALWAYS TRIGGER append_only;
"""
KEYS_STAY = """
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
"""A key stays its tenant's, and a test key a test key: what was ordered with it proves by whom."""


class Migration(migrations.Migration):
    initial = True

    dependencies = [("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=pictor.kit.words.ids.new_uuid,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("name", models.CharField(blank=True, max_length=150)),
                ("is_staff", models.BooleanField(default=False)),
                ("is_active", models.BooleanField(default=True)),
                ("email_verified_at", models.DateTimeField(blank=True, null=True)),
                (
                    "date_joined",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("terms_version", models.CharField(blank=True, editable=False, max_length=20)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("email", django.db.models.functions.text.Lower("email"))
                        ),
                        name="user_email_is_lower_case",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ConfigRevision",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("revision", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="config_revision_is_one_row"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Tenant",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=pictor.kit.words.ids.new_uuid,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="The name shown to operators.", max_length=100, unique=True
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("suspended", "Suspended")],
                        default="active",
                        max_length=9,
                    ),
                ),
                (
                    "requests_per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Over all keys. Empty: unlimited.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "images_per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Over all keys. Empty: unlimited.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "max_in_flight",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Requests under way at once, over all keys. Empty: unlimited.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "prompt_retention_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Days until prompts and all that was sent with them are erased. 0: within two hours. Empty: kept.",
                        null=True,
                    ),
                ),
                (
                    "title",
                    models.CharField(
                        blank=True,
                        help_text="The name shown to its members; no other tenant sees it.",
                        max_length=100,
                    ),
                ),
                (
                    "budget_day_micros",
                    models.BigIntegerField(
                        blank=True,
                        editable=False,
                        help_text="Micro-USD a UTC day, over all keys.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "budget_month_micros",
                    models.BigIntegerField(
                        blank=True,
                        editable=False,
                        help_text="Micro-USD a UTC month, over all keys.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "image_retention_days",
                    models.PositiveIntegerField(
                        blank=True,
                        editable=False,
                        help_text="Days until images are deleted. 0: within two hours. Empty: the general period.",
                        null=True,
                    ),
                ),
                (
                    "own_images_per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        editable=False,
                        help_text="Empty: unlimited.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "own_max_in_flight",
                    models.PositiveIntegerField(
                        blank=True,
                        editable=False,
                        help_text="Empty: unlimited.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "own_requests_per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        editable=False,
                        help_text="Empty: unlimited.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        blank=True,
                        db_default="UTC",
                        default="UTC",
                        help_text="The time zone of the days in its reports, such as Europe/Berlin. Empty: UTC.",
                        max_length=40,
                        validators=[accounts.validators.validate_time_zone],
                    ),
                ),
                (
                    "erasure_due_at",
                    models.DateTimeField(
                        editable=False,
                        help_text="When it is erased, or its erasure is tried again.",
                        null=True,
                    ),
                ),
                (
                    "own_models",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        editable=False,
                        help_text="The models its keys may use. Empty: every model.",
                        null=True,
                        size=100,
                    ),
                ),
                (
                    "requires_second_factor",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        editable=False,
                        help_text="Members need a second factor to see it.",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("admin", "Admin"),
                            ("developer", "Developer"),
                            ("billing", "Billing"),
                            ("viewer", "Viewer"),
                        ],
                        default="developer",
                        max_length=9,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="accounts.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "tenant"), name="one_membership_per_tenant"
                    )
                ],
            },
        ),
        migrations.AddField(
            "tenant",
            "members",
            models.ManyToManyField(
                related_name="tenants", through="accounts.Membership", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("actor_name", models.CharField(max_length=254)),
                ("action", models.CharField(max_length=60)),
                ("object_type", models.CharField(max_length=60)),
                ("object_id", models.CharField(max_length=60)),
                ("before", models.JSONField(blank=True, null=True)),
                ("after", models.JSONField(blank=True, null=True)),
                ("ip", models.GenericIPAddressField(blank=True, null=True)),
                (
                    "at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.tenant",
                    ),
                ),
                ("seal", models.BinaryField(max_length=32, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant", "-at"], name="audit_by_tenant"),
                    models.Index(fields=["object_type", "object_id"], name="audit_by_object"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=pictor.kit.words.ids.new_uuid,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=100)),
                ("visible_prefix", models.CharField(editable=False, max_length=24)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("is_test", models.BooleanField(default=False)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("images:write", "images:write"),
                                ("images:read", "images:read"),
                                ("billing:read", "billing:read"),
                                ("webhooks:write", "webhooks:write"),
                                ("keys:write", "keys:write"),
                            ],
                            max_length=20,
                        ),
                        default=accounts.models.tenants.default_scopes,
                        size=None,
                    ),
                ),
                (
                    "allowed_models",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        help_text="Model names, separated by commas. Empty: every model.",
                        null=True,
                        size=100,
                    ),
                ),
                (
                    "ip_ranges",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            max_length=43, validators=[accounts.validators.validate_ip_range]
                        ),
                        blank=True,
                        help_text="Addresses or networks this key may be used from. Empty: anywhere.",
                        null=True,
                        size=100,
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "requests_per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Empty: unlimited.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "images_per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Empty: unlimited.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "max_in_flight",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Requests under way at once. Empty: unlimited.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "budget_day_micros",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Micro-USD a UTC day.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "budget_month_micros",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Micro-USD a UTC month.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "default_response_format",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "the model's default"),
                            ("url", "Url"),
                            ("b64_json", "B64 Json"),
                        ],
                        default="",
                        max_length=8,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="api_keys",
                        to="accounts.tenant",
                    ),
                ),
                ("previous_digest", models.BinaryField(max_length=32, null=True, unique=True)),
                ("previous_until", models.DateTimeField(editable=False, null=True)),
                (
                    "limited_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("previous_used_at", models.DateTimeField(editable=False, null=True)),
                (
                    "budget_warns_only",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="An exceeded budget sends a mail and stops no requests.",
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
            },
        ),
        migrations.CreateModel(
            name="AuditLink",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                ("seal", models.BinaryField(max_length=32)),
                (
                    "event",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="link",
                        to="accounts.auditevent",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Mail",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=pictor.kit.words.ids.new_uuid,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("to", models.EmailField(max_length=254)),
                ("subject", models.CharField(max_length=200)),
                ("text", models.TextField()),
                ("html", models.TextField(blank=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("error", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("sent_at__isnull", True)),
                        fields=["due_at"],
                        name="mail_to_send",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=pictor.kit.words.ids.new_uuid,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("admin", "Admin"),
                            ("developer", "Developer"),
                            ("billing", "Billing"),
                            ("viewer", "Viewer"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                (
                    "invited_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invitations",
                        to="accounts.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "email"), name="one_invitation_per_address"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("email", django.db.models.functions.text.Lower("email"))
                        ),
                        name="invited_email_is_lower_case",
                    ),
                ],
            },
        ),
        migrations.RunSQL(REVISION),
        migrations.RunSQL(APPEND_ONLY),
        migrations.RunSQL(AUDIT_LINKS),
        migrations.RunSQL(KEYS_STAY),
    ]
