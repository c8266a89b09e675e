"""Signing up: a code verifies an address and opens a workspace; other accounts stay hidden."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import AuditEvent, Mail, Membership, Tenant, User
from accounts.services.office.mail import forget_old, send_due
from accounts.services.office.people import create_user
from accounts.services.office.tenants import create_tenant
from accounts.services.office.welcome import verify_email
from accounts.sign_in.adapters import INVITED
from billing.selectors.office.balances import balance_of
from pictor.kit.words import clock
from tests.accounts.sign_ups import (
    CODE,
    FORM,
    LOGIN,
    PASSWORD,
    RESET,
    RESET_CODE,
    SET,
    SIGN_UP,
    code_in,
    latest,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("open_house")]


@pytest.fixture
def browser():
    return Client()


def signed_up(browser: Client, **changes: str) -> str:
    """The address that the form leads to."""
    return browser.post(SIGN_UP, {**FORM, **changes}).headers["Location"]


def test_a_code_opens_a_workspace_with_its_limits_its_credit_and_a_key(browser):
    assert signed_up(browser) == CODE
    assert Tenant.objects.count() == 0

    answer = browser.post(CODE, {"code": code_in(latest())})

    assert answer.headers["Location"] == "/console/"
    membership = Membership.objects.select_related("tenant", "user").get()
    tenant = membership.tenant
    assert (membership.role, str(membership.user)) == ("owner", "ann@example.com")
    assert (tenant.name, tenant.title) == ("ann@example.com", "ann's workspace")
    assert tenant.requests_per_minute == 60
    assert balance_of(tenant.id).available == 5_000_000
    assert [key.name for key in tenant.api_keys.all()] == ["Playground"]
    assert browser.get(f"/console/{tenant.public_id}/playground/").status_code == 200
    actions = AuditEvent.objects.filter(actor=membership.user).values_list("action", flat=True)
    assert {"user.sign_up", "user.accept_terms", "user.verify_email"} <= set(actions)


def test_before_the_code_nothing_opens(browser):
    signed_up(browser)

    console = browser.get("/console/")
    wrong = browser.post(CODE, {"code": "WRONG1"})

    assert console.headers["Location"].startswith(LOGIN)
    assert "Incorrect code" in wrong.content.decode()
    assert Tenant.objects.count() == 0


def test_codes_cannot_be_guessed_one_after_another(browser):
    signed_up(browser)
    code = code_in(latest())
    for _ in range(3):
        browser.post(CODE, {"code": "WRONG1"})

    browser.post(CODE, {"code": code})

    assert Tenant.objects.count() == 0


def test_an_address_that_is_known_looks_like_any_other(browser):
    create_user(email="ann@example.com", password=PASSWORD, actor="test")

    led = signed_up(browser, password1="another-fine-password")
    page = browser.get(led).content.decode()

    assert led == CODE
    assert "already" not in page
    assert "There is one already" in latest().text
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"email": "ann"}, "Enter a valid email address"),
        ({"password1": "12345678"}, "too common"),
        ({"terms": ""}, "This field is required"),
    ],
)
def test_a_wrong_value_is_explained_beside_its_field(browser, wrong, words):
    page = browser.post(SIGN_UP, {**FORM, **wrong}).content.decode()

    assert words in page
    assert User.objects.count() == 0


def test_nobody_signs_up_while_sign_up_is_closed(browser, settings):
    settings.SIGN_UP = False

    page = browser.get(SIGN_UP).content.decode()
    browser.post(SIGN_UP, FORM)

    assert "Sign-up is closed" in page
    assert User.objects.count() == 0


def test_an_invitation_to_another_opens_no_workspace_while_sign_up_is_closed(browser, settings):
    settings.SIGN_UP = False
    session = browser.session
    session[INVITED] = True
    session.save()

    signed_up(browser)
    browser.post(CODE, {"code": code_in(latest())})

    assert User.objects.get().email_verified_at is not None
    assert Tenant.objects.count() == 0


def test_the_credit_is_given_once(browser):
    signed_up(browser)
    browser.post(CODE, {"code": code_in(latest())})
    user = User.objects.get()

    verify_email(user=user, now=clock.now())

    assert Tenant.objects.count() == 1
    assert balance_of(Tenant.objects.get().id).available == 5_000_000


def test_a_new_workspace_keeps_prompts_for_some_days(browser):
    signed_up(browser)
    browser.post(CODE, {"code": code_in(latest())})

    assert Tenant.objects.get().prompt_retention_days == 90


def test_a_name_that_an_operator_gave_is_not_taken(browser):
    create_tenant(name="ann@example.com", actor="test")

    signed_up(browser)
    browser.post(CODE, {"code": code_in(latest())})

    assert set(Tenant.objects.values_list("name", "title")) == {
        ("ann@example.com", ""),
        ("ann@example.com 2", "ann's workspace"),
    }


def test_a_forgotten_password_is_set_by_a_code_and_ends_other_sessions(browser):
    signed_up(browser)
    browser.post(CODE, {"code": code_in(latest())})
    stranger = Client()

    stranger.post(RESET, {"email": "ann@example.com"})
    answer = stranger.post(RESET_CODE, {"code": code_in(latest())})
    stranger.post(SET, {"password1": "quite-another-horse", "password2": "quite-another-horse"})

    assert answer.headers["Location"] == SET
    assert browser.get("/console/").headers["Location"].startswith(LOGIN)
    signed_in = Client().post(
        LOGIN, {"login": "ann@example.com", "password": "quite-another-horse"}
    )
    assert signed_in.headers["Location"] == "/console/"
    assert AuditEvent.objects.filter(action="user.password").count() == 1


def test_an_unknown_address_is_told_only_by_mail(browser):
    known = create_user(email="ann@example.com", password=PASSWORD, actor="test")

    for_known = browser.post(RESET, {"email": known.email})
    for_unknown = Client().post(RESET, {"email": "bob@example.com"})

    assert for_known.headers["Location"] == for_unknown.headers["Location"] == RESET_CODE
    assert latest().subject == "No account with this address"


def test_new_terms_are_accepted_before_one_goes_on(browser, settings):
    signed_up(browser)
    browser.post(CODE, {"code": code_in(latest())})
    tenant = Tenant.objects.get()
    home = f"/console/{tenant.public_id}/"
    settings.TERMS_VERSION = "2027-01-01"

    led = browser.get(home).headers["Location"]
    page = browser.get(led).content.decode()
    answer = browser.post(
        "/terms/accept/", {"version": "2027-01-01", "next": "https://evil.example/"}
    )

    elsewhere = browser.post("/terms/accept/", {"version": "2027-01-01", "next": "foo"})

    assert elsewhere.headers["Location"] == "foo"
    assert led.startswith("/terms/?next=")
    assert "Accept these terms" in page
    assert answer.headers["Location"] == "/console/"
    assert browser.get(home).status_code == 200


def test_passwords_are_counted_at_the_common_door_too(browser, settings):
    settings.EMBEDDED = False
    answers = [
        Client().post(LOGIN, {"login": "ann@example.com", "password": "a guess"}) for _ in range(8)
    ]

    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_an_old_mail_is_forgotten_and_its_words_once_it_is_sent(browser, settings):
    signed_up(browser)
    settings.MAILBOX = False

    sent = send_due(now=clock.now() + timedelta(seconds=1))

    assert (sent, latest().text, latest().html) == (1, "", "")
    forget_old(now=clock.now() + timedelta(days=8))
    assert not Mail.objects.exists()
