"""Tenants, members and keys: the promises of each change, and its audit event."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from accounts import keys
from accounts.models import ApiKey, AuditEvent, ConfigRevision, Membership, Tenant, User
from accounts.selectors import config_revision
from accounts.selectors.office.api_keys import api_key_by_id, api_keys_of
from accounts.selectors.office.members import members_of
from accounts.selectors.office.tenants import tenant_by_name_or_id
from accounts.services.office.api_keys import (
    KeyRules,
    change_api_key,
    issue_api_key,
    revoke_api_key,
)
from accounts.services.office.members import add_member, remove_member
from accounts.services.office.tenant_settings import change_settings, change_standing
from accounts.services.office.tenants import (
    TenantLimits,
    change_tenant,
    create_tenant,
    set_tenant_status,
    set_title,
)
from pictor.kit.words.money import Micros

pytestmark = [pytest.mark.django_db, pytest.mark.quick]

REAL_RULE = "SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL pictor.keep_ledger = 'on'; "
"""Without it, a test database lets TRUNCATE pass (accounts 0003)."""


def audited(action: str) -> AuditEvent:
    return AuditEvent.objects.get(action=action)


def test_a_tenant_is_found_by_name_public_id_and_uuid(acme):
    assert tenant_by_name_or_id("acme") == acme
    assert tenant_by_name_or_id(acme.public_id) == acme
    assert tenant_by_name_or_id(str(acme.id)) == acme
    assert tenant_by_name_or_id("nobody") is None
    assert tenant_by_name_or_id("ten_" + "0" * 26) is None


@pytest.mark.parametrize("name", ["acme", "", "x" * 101])
def test_a_name_that_is_taken_empty_or_too_long_is_refused(acme, name):
    with pytest.raises(ValidationError):
        create_tenant(name=name, actor="test")


def test_a_limit_must_be_above_zero():
    with pytest.raises(ValidationError):
        create_tenant(name="none", actor="test", limits=TenantLimits(requests_per_minute=0))


@pytest.mark.parametrize("name", ["\u200b", "Acme \u202eoidutS", "Acme\u2066"])
def test_a_name_with_invisible_marks_is_refused(acme, name):
    with pytest.raises(ValidationError, match="must not contain invisible characters"):
        create_tenant(name=name, actor="test")
    with pytest.raises(ValidationError, match="must not contain invisible characters"):
        change_tenant(tenant=acme, name=name, limits=TenantLimits(), actor="test")

    acme.refresh_from_db()
    assert acme.name == "acme"


def test_a_name_may_hold_an_emoji_of_several_marks():
    name = "Ann \U0001f469\u200d\U0001f4bb"

    assert create_tenant(name=name, actor="test").name == name


def test_a_new_tenant_is_audited_with_who_and_from_where():
    create_tenant(name="beta", actor="manage.py", ip="10.0.0.1")

    event = audited("tenant.create")
    assert (event.actor, event.actor_name, event.ip) == (None, "manage.py", "10.0.0.1")
    assert event.after == {
        "name": "beta",
        "requests_per_minute": None,
        "images_per_minute": None,
        "max_in_flight": None,
        "prompt_retention_days": 90,
    }


def test_a_new_tenant_keeps_prompts_as_long_as_the_installation_says(acme, settings):
    settings.PROMPT_RETENTION_DAYS = 45
    made = create_tenant(name="beta", actor="test")

    acme.refresh_from_db()
    made.refresh_from_db()
    assert (made.prompt_retention_days, acme.prompt_retention_days) == (45, 90)


def test_suspending_a_tenant_is_audited_before_and_after(acme):
    user = User.objects.create_user("Op@Example.com")

    set_tenant_status(tenant=acme, status=Tenant.Status.SUSPENDED, actor=user)

    event = audited("tenant.status")
    assert event.actor == user
    assert event.actor_name == "op@example.com"
    assert (event.before, event.after) == ({"status": "active"}, {"status": "suspended"})


def test_a_tenants_new_name_and_limits_are_audited_before_and_after(acme):
    change_tenant(tenant=acme, name="Acme", limits=TenantLimits(max_in_flight=7), actor="test")

    acme.refresh_from_db()
    event = audited("tenant.change")
    assert (acme.name, acme.max_in_flight) == ("Acme", 7)
    assert event.object_id == acme.public_id
    assert event.before == {
        "name": "acme",
        "requests_per_minute": None,
        "images_per_minute": None,
        "max_in_flight": None,
    }
    assert event.after == {**event.before, "name": "Acme", "max_in_flight": 7}


def test_a_tenant_cannot_take_anothers_name(acme):
    create_tenant(name="other", actor="test")

    with pytest.raises(ValidationError, match="already exists"):
        change_tenant(tenant=acme, name="other", limits=TenantLimits(), actor="test")


@pytest.mark.parametrize("title", ["Acme\nStudio", "Acme\r", "Acme\u2028Studio"])
def test_a_title_has_one_line(acme, title):
    with pytest.raises(ValidationError, match="a single line"):
        set_title(tenant=acme, title=title, actor="test")

    acme.refresh_from_db()
    assert acme.shown_name == "acme"


def test_settings_change_together_or_not_at_all(acme):
    with pytest.raises(ValidationError, match="images are kept"):
        change_settings(
            tenant=acme,
            title="Acme Studio",
            time_zone="Asia/Tokyo",
            prompt_retention_days=30,
            image_retention_days=-1,
            omits_marks=False,
            actor="test",
        )

    kept = [(one.shown_name, one.time_zone) for one in (acme, Tenant.objects.get())]
    assert kept == [("acme", "UTC"), ("acme", "UTC")]
    assert not AuditEvent.objects.exclude(action="tenant.create").exists()


def test_a_standing_changes_together_or_not_at_all(acme):
    with pytest.raises(ValidationError, match="prompts are kept"):
        change_standing(
            tenant=acme,
            name="Acme",
            limits=TenantLimits(max_in_flight=7),
            uncharged_ceiling=Micros(1_000_000),
            prompt_retention_days=-1,
            may_omit_marks=True,
            actor="test",
        )

    kept = [
        (one.name, one.max_in_flight, one.uncharged_ceiling_micros)
        for one in (acme, Tenant.objects.get())
    ]
    assert kept == [("acme", None, None), ("acme", None, None)]
    assert not AuditEvent.objects.exclude(action="tenant.create").exists()


def test_a_change_of_nothing_is_not_audited(acme, acme_key):
    change_tenant(tenant=acme, name="acme", limits=TenantLimits(), actor="test")
    change_api_key(key=acme_key[0], name="first", rules=KeyRules(), actor="test")

    assert not AuditEvent.objects.filter(action__in=["tenant.change", "api_key.change"]).exists()


@pytest.mark.usefixtures("offered")
def test_a_keys_new_rules_are_audited_before_and_after(acme_key):
    key, _ = acme_key
    rules = KeyRules(scopes=["images:read"], models=["dall-e-2"], requests_per_minute=5)

    change_api_key(key=key, name="narrow", rules=rules, actor="test")

    stored = ApiKey.objects.get()
    assert (stored.name, stored.scopes, stored.allowed_models, stored.requests_per_minute) == (
        "narrow", ["images:read"], ["dall-e-2"], 5,
    )  # fmt: skip
    before, after = audited("api_key.change").before or {}, audited("api_key.change").after or {}
    assert (before["name"], before["models"]) == ("first", None)
    assert (after["name"], after["models"]) == ("narrow", ["dall-e-2"])


def test_a_change_of_a_key_does_not_bring_it_back(acme_key, now):
    read_before = ApiKey.objects.get()
    revoke_api_key(key=acme_key[0], actor="test", now=now)

    change_api_key(key=read_before, name="late", rules=KeyRules(), actor="test")

    assert ApiKey.objects.get().revoked_at == now


def test_senseless_new_rules_of_a_key_are_refused(acme_key):
    with pytest.raises(ValidationError):
        change_api_key(
            key=acme_key[0], name="odd", rules=KeyRules(requests_per_minute=0), actor="test"
        )

    kept = [(one.name, one.requests_per_minute) for one in (acme_key[0], ApiKey.objects.get())]
    assert kept == [("first", None), ("first", None)]


def test_a_key_is_stored_as_a_digest_only(acme, settings):
    row, text = issue_api_key(tenant=acme, name="app", actor="test")

    stored = ApiKey.objects.get(id=row.id)
    assert bytes(stored.digest) == keys.digest(text, settings.KEY_PEPPER)
    assert stored.visible_prefix == text[:14]
    assert api_key_by_id(row.public_id) == row
    assert api_key_by_id(row.public_id, tenant_id=row.id) is None
    assert api_key_by_id("key_nonsense") is None


def test_no_audit_event_holds_any_part_of_a_key_beyond_what_is_visible(acme):
    _, text = issue_api_key(tenant=acme, name="app", actor="test")

    assert text[14:] not in str(audited("api_key.issue").after)


def test_a_key_minted_beforehand_keeps_its_text(acme):
    wanted = keys.mint(test=True)

    row, text = issue_api_key(tenant=acme, name="demo", actor="test", plaintext=wanted)

    assert text == wanted
    assert row.is_test


def test_a_text_that_is_no_key_is_refused(acme):
    with pytest.raises(ValueError, match="not one of our keys"):
        issue_api_key(tenant=acme, name="demo", actor="test", plaintext="hunter2")


@pytest.mark.parametrize(
    "rules",
    [
        KeyRules(scopes=["images:paint"]),
        KeyRules(ip_ranges=["10.0.0.0/99"]),
        KeyRules(requests_per_minute=0),
        KeyRules(default_response_format="gif"),
    ],
)
def test_senseless_rules_of_a_new_key_are_refused(acme, rules):
    with pytest.raises(ValidationError):
        issue_api_key(tenant=acme, name="odd", actor="test", rules=rules)


def test_a_second_revocation_changes_nothing(acme_key, now):
    row, _ = acme_key

    revoke_api_key(key=row, actor="test", now=now)
    revoke_api_key(key=row, actor="test", now=now.replace(year=2030))

    assert row.revoked_at == now
    assert audited("api_key.revoke").object_id == row.public_id


def test_keys_are_listed_for_their_own_tenant_newest_first(acme, acme_key):
    other = create_tenant(name="other", actor="test")
    issue_api_key(tenant=other, name="theirs", actor="test")
    second, _ = issue_api_key(tenant=acme, name="second", actor="test")

    assert api_keys_of(acme.id) == [second, acme_key[0]]


def test_a_member_gets_a_role_another_role_and_leaves(acme):
    user = User.objects.create_user("ann@example.com")

    add_member(tenant=acme, user=user, role=Membership.Role.VIEWER, actor="test")
    membership = add_member(tenant=acme, user=user, role=Membership.Role.OWNER, actor="test")

    assert members_of(acme.id) == [membership]
    assert membership.role == "owner"

    remove_member(membership=membership, actor="test")

    assert members_of(acme.id) == []
    assert audited("member.remove").before == {"role": "owner"}


def test_a_user_signs_in_with_the_address_in_any_case():
    user = User.objects.create_user(" Ann@Example.com ", "correct horse battery")

    assert User.objects.get_by_natural_key("ANN@example.COM") == user
    assert user.check_password("correct horse battery")
    assert not user.is_staff


def test_a_superuser_may_use_the_admin():
    user = User.objects.create_superuser("root@example.com", "x")

    assert user.is_staff
    assert user.is_superuser


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditevent SET action = 'nothing'",
        "DELETE FROM accounts_auditevent",
        REAL_RULE + "TRUNCATE accounts_auditevent",
        "SET LOCAL session_replication_role = replica; DELETE FROM accounts_auditevent",
    ],
)
def test_the_audit_log_cannot_be_rewritten(acme, statement):
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_the_revision_never_comes_back_after_a_rollback():
    before = config_revision()

    def bump() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMP TABLE IF NOT EXISTS watched (x int);"
                "CREATE OR REPLACE TRIGGER bump AFTER INSERT ON watched FOR EACH STATEMENT "
                "EXECUTE FUNCTION pictor_bump_revision(); INSERT INTO watched VALUES (1)"
            )
        return config_revision()

    with transaction.atomic():
        first = bump()
        transaction.set_rollback(True)

    assert config_revision() == before
    assert str(ConfigRevision.objects.get()) == str(before)
    assert bump() not in {before, first}
