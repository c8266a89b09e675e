"""What staff cannot do on the admin's pages: ask about secrets, or give what they have not got."""

import re
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db.models import ProtectedError
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from accounts.admin import people
from accounts.admin.base import SECRETS
from accounts.models import ApiKey, AuditEvent, Membership, User
from accounts.selectors import members_of
from accounts.services import (
    KeyRules,
    Person,
    add_member,
    change_user,
    create_tenant,
    create_user,
    issue_api_key,
    issue_key_as_operator,
    set_password,
)
from generation.models import Channel
from pictor.kit.money import Micros

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


@pytest.fixture
def root(client):
    user = User.objects.create_superuser("root@example.com", "correct horse battery")
    client.force_login(user)
    return user


@pytest.fixture
def helper(client):
    """Staff who may see and change people, and nothing else."""
    user = User.objects.create_user("helper@example.com", "correct horse", is_staff=True)
    names = ["view_user", "change_user", "delete_user", "add_user"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


def secret_columns() -> set[str]:
    """Columns of any registered model whose name says that nobody is to see them."""
    words = re.compile("password|digest|credentials|secret|seal")
    return {
        field.name
        for model in admin.site._registry  # noqa: SLF001 - Django has no other way to them
        for field in model._meta.fields  # noqa: SLF001 - Django's documented API
        if words.search(field.name)
    }


def test_every_secret_column_is_known(client):
    client.get(reverse("admin:index"))  # the pages are registered with the addresses

    assert Channel in admin.site._registry  # noqa: SLF001 - as above
    assert secret_columns() <= SECRETS


@pytest.mark.parametrize(
    ("page", "lookup"),
    [
        ("generation_channel", "credentials__startswith"),
        ("accounts_apikey", "digest__gt"),
        ("accounts_apikey", "created_by__password__startswith"),
        ("accounts_user", "password__startswith"),
        ("accounts_auditevent", "actor__password__startswith"),
        ("accounts_auditevent", "seal__startswith"),
        ("billing_transfer", "seal__startswith"),
        ("billing_tenantbalance", "previous_seal__startswith"),
        ("generation_generation", "channel__credentials__startswith"),
        ("generation_generation", "api_key__digest__gt"),
    ],
)
def test_no_look_up_asks_about_a_secret(client, root, page, lookup):
    answer = client.get(reverse(f"admin:{page}_changelist"), {lookup: "a"})

    assert answer.status_code == 400


def test_a_new_key_is_in_the_page_and_nowhere_else(client, root):
    tenant = create_tenant(name="acme", actor="test")
    form = {
        "tenant": str(tenant.id),
        "name": "one",
        "scopes": "images:write",
        "allowed_models": "",
        "ip_ranges": "",
        "default_response_format": "",
    }

    answer = client.post(reverse("admin:accounts_apikey_add"), form)

    (plaintext,) = re.findall(r"sk-pictor-[0-9A-Za-z]{38}", answer.content.decode())
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert plaintext not in str(answer.cookies)
    assert plaintext not in str(dict(client.session))
    assert plaintext not in client.get(reverse("admin:index")).content.decode()
    assert ApiKey.objects.get().name == "one"


@pytest.fixture
def keeper(client):
    """Staff who may see, make and change keys, and nothing else."""
    user = User.objects.create_user("keeper@example.com", "correct horse", is_staff=True)
    names = ["view_apikey", "add_apikey", "change_apikey", "view_tenant"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


@pytest.fixture
def narrow():
    """A tenant's key that reads, and spends 5 USD a month at most."""
    acme = create_tenant(name="acme", actor="test")
    rules = KeyRules(scopes=["images:read"], budget_month=Micros(5_000_000))
    return issue_api_key(tenant=acme, name="narrow", actor="test", rules=rules)[0]


def test_staff_make_no_key_of_a_tenant(client, keeper, narrow):
    page = reverse("admin:accounts_apikey_add")

    looked = client.get(page)
    made = client.post(page, {"tenant": str(narrow.tenant_id), "scopes": "images:write"})

    assert [looked.status_code, made.status_code] == [403, 403]
    with pytest.raises(ValidationError, match="Only a superuser makes a key for a tenant"):
        issue_key_as_operator(
            tenant=narrow.tenant, name="mine", rules=KeyRules(), is_test=False, actor=keeper
        )
    assert [key.name for key in ApiKey.objects.all()] == ["narrow"]


@pytest.mark.parametrize(
    "wider",
    [{"scopes": "images:read,images:write"}, {"budget_month_micros": "5.01"},
     {"budget_month_micros": ""}, {"budget_warns_only": "on"}],
    ids=["scope", "budget", "no budget", "a budget that warns"],
)  # fmt: skip
def test_staff_let_no_key_do_more(client, keeper, narrow, wider):
    form = {"name": "x", "scopes": "images:read", "budget_month_micros": "5", **wider}

    answer = client.post(
        reverse("admin:accounts_apikey_change", args=[narrow.id]), form, follow=True
    )

    assert "Only a superuser lets a key do more." in answer.content.decode()
    narrow.refresh_from_db()
    assert (narrow.name, narrow.scopes) == ("narrow", ["images:read"])
    assert (narrow.budget_month_micros, narrow.budget_warns_only) == (5_000_000, False)


def test_staff_narrow_a_key(client, keeper, narrow):
    form = {"name": "narrower", "scopes": "images:read", "budget_month_micros": "1"}

    client.post(reverse("admin:accounts_apikey_change", args=[narrow.id]), form)

    narrow.refresh_from_db()
    assert (narrow.name, narrow.budget_month_micros) == ("narrower", 1_000_000)


@pytest.mark.parametrize("right", ["is_superuser", "is_staff"])
def test_staff_give_nobody_what_they_have_not_got(client, helper, right):
    ann = User.objects.create_user("ann@example.com")
    pages = [ann, helper]

    for person in pages:
        client.post(
            reverse("admin:accounts_user_change", args=[person.id]),
            {"email": person.email, "name": "x", "is_active": "on", right: "on"},
        )

    ann.refresh_from_db()
    helper.refresh_from_db()
    assert (ann.name, ann.is_staff, ann.is_superuser) == ("x", False, False)
    assert (helper.name, helper.is_superuser) == ("", False)


def test_staff_do_not_touch_a_superuser(client, helper):
    boss = User.objects.create_superuser("boss@example.com", "correct horse battery")

    changed = client.post(
        reverse("admin:accounts_user_change", args=[boss.id]), {"email": "mine@example.com"}
    )
    password = client.post(
        reverse("admin:auth_user_password_change", args=[boss.id]),
        {"usable_password": "true", "password1": "x7 stolen it", "password2": "x7 stolen it"},
    )
    deleted = client.post(reverse("admin:accounts_user_delete", args=[boss.id]), {"post": "yes"})

    boss.refresh_from_db()
    assert [changed.status_code, password.status_code, deleted.status_code] == [403, 403, 403]
    assert boss.email == "boss@example.com"
    assert boss.check_password("correct horse battery")


def test_staff_change_an_ordinary_person(client, helper):
    ann = User.objects.create_user("ann@example.com")

    client.post(
        reverse("admin:accounts_user_change", args=[ann.id]),
        {"email": "ann@example.com", "name": "Ann", "is_active": "on"},
    )

    event = AuditEvent.objects.get(action="user.change")
    assert (event.actor, (event.after or {})["name"]) == (helper, "Ann")


def test_an_audit_event_says_when_it_was(client, root):
    create_tenant(name="acme", actor="test")
    event = AuditEvent.objects.get(action="tenant.create")

    page = client.get(reverse("admin:accounts_auditevent_change", args=[event.pk]))

    assert date_format(localtime(event.at), "DATETIME_FORMAT") in page.content.decode()


def test_a_session_ends_after_twelve_hours():
    assert settings.SESSION_COOKIE_AGE == 12 * 60 * 60
    assert settings.SESSION_COOKIE_SAMESITE == "Lax"


def test_staff_make_nobody_a_member_who_is_no_superuser(client, helper):
    acme = create_tenant(name="acme", actor="test")
    names = ["view_tenant", "change_tenant", "add_membership", "view_membership"]
    helper.user_permissions.add(*Permission.objects.filter(codename__in=names))

    client.post(
        reverse("admin:accounts_tenant_change", args=[acme.id]),
        {
            "name": "acme",
            "status": "active",
            "memberships-TOTAL_FORMS": "1",
            "memberships-INITIAL_FORMS": "0",
            "memberships-0-user": str(helper.id),
            "memberships-0-tenant": str(acme.id),
            "memberships-0-role": "owner",
        },
    )

    assert members_of(acme.id) == []


def test_the_password_form_for_a_member_says_whom_it_takes(client, helper):
    owner = User.objects.create_user("owner@example.com", "correct horse battery")
    acme = create_tenant(name="acme", actor="test")
    add_member(tenant=acme, user=owner, role=Membership.Role.OWNER, actor="test")
    page = reverse("admin:auth_user_password_change", args=[owner.id])
    form = {"usable_password": "true", "password1": "x7 stolen it", "password2": "x7 stolen it"}

    answer = client.post(page, form, follow=True)

    owner.refresh_from_db()
    assert "Only a superuser changes how a member of a tenant signs in." in answer.content.decode()
    assert answer.redirect_chain == [(page, 302)]
    assert owner.check_password("correct horse battery")


@pytest.mark.parametrize("page", ["delete", "changelist"])
@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (ValidationError("Nobody deletes themselves."), "Nobody deletes themselves."),
        (ProtectedError("it is", set()), "Something refers to it meanwhile"),
    ],
)
@pytest.mark.usefixtures("root")
def test_what_a_service_refuses_meanwhile_is_said(client, monkeypatch, page, refusal, said):
    ann = User.objects.create_user("ann@example.com")
    monkeypatch.setattr(people, "delete_user", Mock(side_effect=refusal))
    chosen = {"action": "delete_selected", "_selected_action": str(ann.id)}
    at = {
        "delete": reverse("admin:accounts_user_delete", args=[ann.id]),
        "changelist": reverse("admin:accounts_user_changelist"),
    }[page]

    answer = client.post(at, {"post": "yes", **chosen}, follow=True)

    assert answer.status_code == 200
    assert said in answer.content.decode()


def test_staff_give_no_password_to_a_member(client, helper):
    owner = User.objects.create_user("owner@example.com", "correct horse battery")
    acme = create_tenant(name="acme", actor="test")
    add_member(tenant=acme, user=owner, role=Membership.Role.OWNER, actor="test")

    with pytest.raises(ValidationError, match="Only a superuser changes how a member"):
        set_password(user=owner, password="known to staff", actor=helper)


@pytest.mark.parametrize(
    "person",
    [
        Person(email="mine@example.com"),
        Person(email="owner@example.com", email_verified_at=datetime(2026, 11, 21, tzinfo=UTC)),
    ],
    ids=["address", "verified"],
)
def test_staff_give_no_address_to_a_member(helper, person):
    owner = create_user(email="owner@example.com", password=None, actor="test")
    verified = datetime(2026, 11, 20, 12, 0, 0, 123_456, tzinfo=UTC)
    User.objects.filter(id=owner.id).update(email_verified_at=verified)
    owner.refresh_from_db()
    acme = create_tenant(name="acme", actor="test")
    add_member(tenant=acme, user=owner, role=Membership.Role.OWNER, actor="test")

    with pytest.raises(ValidationError, match="Only a superuser changes how a member"):
        change_user(user=owner, person=person, groups=(), permissions=(), actor=helper)

    as_typed = verified.replace(microsecond=0)
    renamed = Person(email="owner@example.com", name="Ann", email_verified_at=as_typed)
    change_user(user=owner, person=renamed, groups=(), permissions=(), actor=helper)
    owner.refresh_from_db()
    assert (owner.email, owner.name) == ("owner@example.com", "Ann")
