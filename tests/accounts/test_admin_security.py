"""The admin is for owners only; it shows no secrets and changes no people."""

import re

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from accounts.admin.base import SECRETS
from accounts.models import AuditEvent, User
from accounts.services import (
    create_tenant,
)
from generation.models import Channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


@pytest.fixture
def root(client):
    user = User.objects.create_superuser("root@example.com", "correct horse battery")
    client.force_login(user)
    return user


def secret_columns() -> set[str]:
    """Columns of registered models with a secret's name."""
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


@pytest.mark.parametrize(
    ("page", "lookup", "value"),
    [
        ("accounts_apikey", "created_at__year", "99999"),
        ("accounts_auditevent", "at__year", "99999"),
        ("billing_transfer", "created_at__year", "99999"),
        ("generation_channel", "created_at__year", "99999"),
        ("storage_storedimage", "created_at__year", "99999"),
        ("accounts_tenant", "status__exact", "\0"),
        ("billing_usagerollup", "status__exact", "\0"),
        ("accounts_tenant", "name__regex", "("),
        ("accounts_tenant", "time_zone__range", "("),
        ("billing_transfer", "evidence", "a"),
    ],
)
def test_a_look_up_that_cannot_be_made_leads_back_to_the_list(client, root, page, lookup, value):
    listed = reverse(f"admin:{page}_changelist")

    answer = client.get(listed, {lookup: value})

    assert (answer.status_code, answer["Location"]) == (302, f"{listed}?e=1")


@pytest.mark.parametrize("part", ["change", "history", "delete"])
@pytest.mark.parametrize("page", ["generation_contract", "accounts_apikey"])
def test_a_key_with_a_null_character_is_not_found(client, root, page, part):
    address = reverse(f"admin:{page}_{part}", args=["a\0b"])

    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "search/?s=a&page=no",
        "search/?s=a&page=9",
        "autocomplete/?app_label=accounts&model_name=apikey&field_name=tenant&term=%00",
    ],
)
def test_a_search_of_an_impossible_page_or_word_is_not_found(client, root, address):
    assert client.get(f"{reverse('admin:index')}{address}").status_code == 404


def test_an_audit_event_says_when_it_was(client, root):
    create_tenant(name="acme", actor="test")
    event = AuditEvent.objects.get(action="tenant.create")

    page = client.get(reverse("admin:accounts_auditevent_change", args=[event.pk]))

    assert date_format(localtime(event.at), "DATETIME_FORMAT") in page.content.decode()


def test_a_session_ends_after_twelve_hours():
    assert settings.SESSION_COOKIE_AGE == 12 * 60 * 60
    assert settings.SESSION_COOKIE_SAMESITE == "Lax"


@pytest.mark.parametrize("role", ["support", "finance", "operator", ""])
def test_nobody_but_owners_enters_the_admin(client, role):
    user = User.objects.create_user("ann@example.com", staff_role=role, is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    client.force_login(user)

    answers = [
        client.get(reverse(f"admin:{page}"))
        for page in ("index", "accounts_user_changelist", "billing_pricebook_changelist")
    ]

    assert [answer.status_code for answer in answers] == [302, 302, 302]
    assert {answer["Location"].partition("?")[0] for answer in answers} == {"/admin/login/"}


def test_people_are_read_there_and_nothing_else(client, root):
    ann = User.objects.create_user("ann@example.com", "correct horse")
    change = reverse("admin:accounts_user_change", args=[ann.id])

    shown = client.get(change).content.decode()
    answers = [
        client.post(change, {"email": "mine@example.com", "staff_role": "owner"}),
        client.post(reverse("admin:accounts_user_add"), {"email": "new@example.com"}),
        client.post(reverse("admin:accounts_user_delete", args=[ann.id]), {"post": "yes"}),
    ]

    assert "ann@example.com" in shown
    assert "Permissions" not in shown
    assert {answer.status_code for answer in answers} == {403}
    ann.refresh_from_db()
    assert (ann.email, ann.staff_role, User.objects.count()) == ("ann@example.com", "", 2)
