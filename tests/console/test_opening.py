"""The link to the demo: its account, the addresses it works from, and its lifetime."""

from datetime import timedelta
from ipaddress import ip_network

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings as config
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Tenant, User
from accounts.services.office.erasure import erase_tenant
from generation.management import seeding
from generation.management.seeding import SeedOptions
from pictor.kit.secrets import passes
from pictor.kit.words import clock
from tests.console.answers import words_of
from tests.making.seeds import sow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


@pytest.fixture(autouse=True)
def demo(settings):
    settings.EMBEDDED, settings.DEMO_EMAIL = True, "demo@pictor.local"
    sow()
    seeding.seed(SeedOptions(demo_email="demo@pictor.local", demo_password="aaaa-bbbb-cccc"))


def link(*, minutes: int = 60, secret: str = "") -> str:
    until = clock.now() + timedelta(minutes=minutes)
    token = passes.issue(passes.OPEN_DEMO, secret=secret or config.SECRET_KEY, until=until)
    return reverse("people:open", args=[token])


def test_only_sending_the_form_signs_a_visitor_in(client):
    there = link()

    page = words_of(client.get(there))
    assert "data-sends" in page
    assert "_auth_user_id" not in client.session
    answer = client.post(there)

    demo = Tenant.objects.get(name="demo")
    playground = reverse("workspace:playground", args=[demo.public_id])
    assert answer["Location"].startswith(f"{playground}?prompt=")
    assert client.session["_auth_user_id"] == str(User.objects.get().pk)
    assert AuditEvent.objects.filter(action="user.opened_demo").count() == 1
    assert client.get(there)["Location"] == answer["Location"]
    assert AuditEvent.objects.filter(action="user.opened_demo").count() == 1


def test_the_opening_form_is_protected_from_other_sites():
    """Otherwise another site could sign a visitor in unasked."""
    assert Client(enforce_csrf_checks=True).post(link()).status_code == 403


@pytest.mark.parametrize(
    "options", [{"minutes": -1}, {"secret": "another installation's"}], ids=["ended", "forged"]
)
def test_an_ended_or_forged_pass_leads_to_the_sign_in(client, options):
    answer = client.post(link(**options))

    assert answer["Location"] == "/accounts/login/?next=%2Fconsole%2F"
    assert "_auth_user_id" not in client.session


def test_the_link_signs_nobody_in_from_another_machine(client):
    answer = client.post(link(), REMOTE_ADDR="203.0.113.9")

    assert answer["Location"].startswith("/accounts/login/")
    assert "_auth_user_id" not in client.session


def test_a_proxy_of_ours_that_hides_who_called_is_not_at_this_machine(client, settings):
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.1")]

    assert client.post(link())["Location"].startswith("/accounts/login/")


def test_outside_of_make_run_there_is_none(client, settings):
    settings.EMBEDDED = False

    assert client.post(link()).status_code == 404


def test_a_second_factor_is_not_gone_round(client):
    TOTP.activate(User.objects.get(), generate_totp_secret())

    assert client.post(link())["Location"].startswith("/accounts/login/")


def test_the_link_opens_nothing_once_the_demo_was_deleted(client):
    tenant = Tenant.objects.get(name="demo")
    erase_tenant(tenant=tenant, confirmation="demo", actor="test", now=clock.now())

    assert client.post(link())["Location"].startswith("/accounts/login/")
    assert "This link cannot sign you in here" in words_of(client.get("/accounts/login/"))
