"""A passkey as a second factor, wherever an app is one: made, shown, asked for again, removed."""

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.models import AuditEvent, Mail, User
from accounts.selectors.office.people import has_second_factor, staff
from tests.accounts.factors import (
    ADDRESS,
    ASK,
    CODES,
    OFF,
    PAGE,
    SHOW,
    confirm,
    minutes_pass,
    recovery_codes,
    set_up,
    sign_in,
)
from tests.accounts.security_key import ADD, HOST, SecurityKey, add_passkey

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("plain_static_files", "staff_mfa", "turns"),
]


@pytest.fixture
def browser(settings):
    settings.ALLOWED_HOSTS = [HOST]
    return here()


@pytest.fixture
def key(root, browser):
    """The passkey of the signed-in owner of staff, their first factor."""
    sign_in(browser)
    confirm(browser)
    return add_passkey(browser)


def here() -> Client:
    return Client(SERVER_NAME=HOST)


def shown_at(path: str, browser: Client, key: SecurityKey) -> str:
    return key.shown(browser.get(path).content.decode())


def removal_of_the_only() -> str:
    return f"/accounts/2fa/passkeys/{Authenticator.objects.get(type='webauthn').pk}/remove/"


def test_staff_make_their_first_passkey_after_the_mailed_code_and_are_in(root, browser):
    sign_in(browser)
    asked = browser.get(ADD, {"next": "/ops/staff/"})
    confirm(browser)

    add_passkey(browser)

    assert asked.headers["Location"] == f"{ADDRESS}?next=%2Fops%2Fstaff%2F"
    assert browser.get("/ops/staff/").status_code == 200
    assert len(recovery_codes(browser)) == 10
    assert has_second_factor(root.pk)
    assert [person.has_second_factor for person in staff()] == [True]  # type: ignore[attr-defined]  # annotated
    events = AuditEvent.objects.filter(action="user.mfa_on").order_by("id")
    assert [event.after for event in events] == [
        {"factor": "webauthn"},
        {"factor": "recovery_codes"},
    ]
    assert Mail.objects.latest("created_at").subject == "A passkey was added"


def test_a_made_passkey_leads_back_to_where_one_was(root, browser):
    sign_in(browser)
    confirm(browser)
    made = SecurityKey().made(browser.get(ADD).content.decode())

    answer = browser.post(ADD, {"credential": made, "next": "/ops/?mode=test"})

    assert answer.headers["Location"] == f"{CODES}?next=%2Fops%2F%3Fmode%3Dtest"


def test_a_sign_in_asks_for_the_passkey_and_takes_it(key):
    browser = here()

    asked = sign_in(browser)
    outside = browser.get("/ops/staff/")
    right = browser.post(ASK, {"credential": shown_at(ASK, browser, key)})

    assert asked.headers["Location"] == ASK
    assert outside.headers["Location"].startswith("/accounts/login/")
    assert right.headers["Location"] == "/ops/staff/"
    assert browser.get("/ops/staff/").status_code == 200


def test_an_answer_is_good_once(key):
    first, second = here(), here()
    for browser in (first, second):
        sign_in(browser)
    answer = shown_at(ASK, first, key)

    once = first.post(ASK, {"credential": answer})
    second.get(ASK)
    twice = second.post(ASK, {"credential": answer})

    assert once.status_code == 302
    assert "Incorrect code." in twice.content.decode()


def test_another_key_and_another_site_are_refused(key):
    browser = here()
    sign_in(browser)

    stranger = browser.post(ASK, {"credential": shown_at(ASK, browser, SecurityKey())})
    html = browser.get(ASK).content.decode()
    phished = browser.post(ASK, {"credential": key.shown(html, origin="https://evil.example")})

    assert "Incorrect code." in stranger.content.decode()
    assert "Incorrect code." in phished.content.decode()


@pytest.mark.parametrize("path", [ASK, SHOW, ADD])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda answer: "{",
        lambda answer: "5",
        lambda answer: '{"id": "x"}',
        lambda answer: json.dumps({**json.loads(answer), "response": []}),
        lambda answer: json.dumps({**json.loads(answer), "rawId": "AA"}),
        lambda answer: re.sub('(signature|attestationObject)": "..', r'\1": "AA', answer),
        lambda answer: re.sub('"clientDataJSON": "[^"]+"', '"clientDataJSON": "e30"', answer),
    ],
)
def test_what_no_browser_made_is_refused_on_the_page(key, browser, path, spoil):
    if path == ASK:
        browser = here()
        sign_in(browser)
    html = browser.get(path).content.decode()
    answer = SecurityKey().made(html) if path == ADD else key.shown(html)

    refused = browser.post(path, {"credential": spoil(answer)})

    assert refused.status_code == 200
    assert 'role="alert"' in refused.content.decode()
    assert Authenticator.objects.filter(type="webauthn").count() == 1


def test_an_act_asks_for_the_passkey_again(key, browser):
    minutes_pass(browser, 20)

    asked = browser.post("/ops/do/tenant.create/", {"name": "mine"})
    again = browser.post(SHOW, {"credential": shown_at(SHOW, browser, key), "next": "/ops/"})
    shown = browser.get("/ops/do/tenant.create/")

    assert asked.headers["Location"].startswith(SHOW)
    assert again.headers["Location"] == "/ops/"
    assert shown.status_code == 200


def test_a_recovery_code_stands_in_for_the_passkey(key, browser):
    code = recovery_codes(browser)[0]
    elsewhere = here()
    sign_in(elsewhere)

    answer = elsewhere.post(ASK, {"code": code})

    assert answer.headers["Location"] == "/ops/staff/"


def test_who_knows_only_the_password_adds_no_passkey(key):
    thief = here()
    sign_in(thief)

    assert thief.get(ADD).headers["Location"].startswith("/accounts/login/")


def test_a_passkey_ends_the_sessions_from_before_and_keeps_its_own(root, browser):
    elsewhere = here()
    sign_in(elsewhere)
    sign_in(browser)
    confirm(browser)

    add_passkey(browser)

    assert elsewhere.get(PAGE).status_code == 302
    assert browser.get(PAGE).status_code == 200


def test_staff_keep_their_last_factor_and_remove_any_other(key, browser, turns):
    kept = browser.post(removal_of_the_only(), follow=True)
    set_up(browser, turns)
    removed = browser.post(removal_of_the_only(), follow=True)
    still = browser.post(OFF, follow=True)

    assert "Staff keep a second factor" in kept.content.decode()
    assert "Passkey removed" in removed.content.decode()
    assert "Staff keep a second factor" in still.content.decode()
    assert [factor.type for factor in Authenticator.objects.exclude(type="recovery_codes")] == [
        "totp"
    ]


def test_an_app_beside_a_passkey_can_be_switched_off(key, browser, turns):
    set_up(browser, turns)

    browser.post(OFF)

    assert not Authenticator.objects.filter(type="totp").exists()
    assert browser.get("/ops/staff/").status_code == 200


def test_nobody_removes_a_passkey_of_somebody_else(key, root):
    User.objects.create_user("eve@example.com", "x")
    eve = here()
    eve.force_login(User.objects.get(email="eve@example.com"))

    answer = eve.post(removal_of_the_only())

    assert answer.status_code in {302, 404}
    assert Authenticator.objects.filter(type="webauthn").exists()
