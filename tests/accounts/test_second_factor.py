"""Staff sign in with a second factor: set up, required, shown, tried."""

import re

import httpx
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import AuditEvent, Mail, User
from tests.accounts.factors import (
    ASK,
    CODES,
    EVERYWHERE,
    PAGE,
    SET_UP,
    confirm,
    recovery_codes,
    set_up,
    sign_in,
)
from tests.accounts.sign_ups import PASSWORD

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("plain_static_files", "staff_mfa", "turns"),
]


@pytest.mark.parametrize("path", ["/ops/", "/ops/staff/", "/ops/find/?q=a"])
def test_staff_without_a_factor_see_nothing_but_the_set_up(root, browser, path):
    sign_in(browser)

    refused = browser.get(path)

    assert refused.status_code == 302
    assert refused.headers["Location"].partition("?")[0] == SET_UP


def test_a_form_of_the_console_is_not_taken_without_a_factor(root, browser):
    sign_in(browser)

    browser.post("/ops/do/tenant.create/", {"name": "mine"})

    assert not AuditEvent.objects.filter(action="tenant.create").exists()


def test_set_up_opens_the_console_and_is_in_the_audit_log(secret, root, browser):
    page = browser.get("/ops/")
    stored = Authenticator.objects.get(type="totp").data["secret"]
    events = AuditEvent.objects.filter(action="user.mfa_on").order_by("id")

    assert page.status_code == 200
    assert secret not in stored
    assert [(event.actor, event.object_id, event.ip) for event in events] == [
        (root, str(root.pk), "127.0.0.1")
    ] * 2
    assert [event.after for event in events] == [{"factor": "totp"}, {"factor": "recovery_codes"}]


@pytest.mark.parametrize(
    ("following", "way"),
    [
        ("/ops/?mode=test", 'href="/ops/?mode=test"'),
        ("https://evil.example/", ""),
        ("//evil.example/", ""),
    ],
)
def test_a_first_set_up_leads_back_to_where_one_was(root, browser, turns, following, way):
    sign_in(browser)
    confirm(browser, following)
    page = browser.get(SET_UP, {"next": following})
    secret = re.findall(r"[A-Z2-7]{32}", page.content.decode())[0]
    form = {"code": turns(secret), "next": following}

    codes = browser.post(SET_UP, form, follow=True)

    html = codes.content.decode()
    assert codes.redirect_chain[0][0].partition("?")[0] == CODES
    assert len(re.findall(r"<li>(\d{8})</li>", html)) == 10
    assert way in html
    assert (">Continue<" in html, "evil.example" in html) == (bool(way), False)


def test_a_set_up_with_a_wrong_code_changes_nothing(root, browser):
    sign_in(browser)
    confirm(browser)
    browser.get(SET_UP)

    answer = browser.post(SET_UP, {"code": "000000"})

    assert "Incorrect code." in answer.content.decode()
    assert not Authenticator.objects.exists()


def test_the_code_is_asked_for_and_a_wrong_one_refused(secret, turns):
    browser = Client()

    asked = sign_in(browser)
    outside = browser.get("/ops/staff/")
    wrong = browser.post(ASK, {"code": "000000"})
    right = browser.post(ASK, {"code": turns(secret)})

    assert asked.headers["Location"] == ASK
    assert outside.headers["Location"].startswith("/accounts/login/")
    assert "Incorrect code." in wrong.content.decode()
    assert right.headers["Location"] == "/ops/staff/"
    assert browser.get("/ops/staff/").status_code == 200


@pytest.mark.parametrize("form", [{}, {"credential": '{"id": 5}'}])
def test_a_form_without_a_code_is_asked_for_it_again(secret, form):
    browser = Client()
    sign_in(browser)

    answer = browser.post(ASK, form)

    assert answer.status_code == 200
    assert 'name="code"' in answer.content.decode()


def test_a_code_is_good_once(secret, turns):
    code = turns(secret)
    first, second = Client(), Client()
    for browser in (first, second):
        sign_in(browser)

    once = first.post(ASK, {"code": code})
    twice = second.post(ASK, {"code": code})

    assert once.status_code == 302
    assert "Incorrect code." in twice.content.decode()


def test_the_code_of_the_set_up_signs_nobody_in(root, browser, turns):
    sign_in(browser)
    confirm(browser)
    page = browser.get(SET_UP)
    code = turns(re.findall(r"[A-Z2-7]{32}", page.content.decode())[0])
    browser.post(SET_UP, {"code": code})
    thief = Client()
    sign_in(thief)

    answer = thief.post(ASK, {"code": code})

    assert "Incorrect code." in answer.content.decode()
    assert thief.get("/ops/").status_code == 302


def test_a_set_up_ends_the_other_sessions_and_no_other_persons(root, browser, turns):
    elsewhere, anns = Client(), Client()
    sign_in(elsewhere)
    sign_in(browser)
    anns.force_login(User.objects.create_user("ann@example.com"))

    set_up(browser, turns)

    assert [client.get(PAGE).status_code for client in (browser, elsewhere, anns)] == [
        200,
        302,
        200,
    ]


def test_signing_out_everywhere_ends_every_session(root, browser):
    elsewhere = Client()
    sign_in(elsewhere)
    sign_in(browser)
    page = browser.get(PAGE).content.decode()

    answer = browser.post(EVERYWHERE)

    assert f'action="{EVERYWHERE}"' in page
    assert answer.headers["Location"] == "/accounts/login/"
    assert [client.get(PAGE).status_code for client in (browser, elsewhere)] == [302, 302]
    assert AuditEvent.objects.get(action="user.sessions_end").actor == root
    sign_in(browser)
    assert browser.get(PAGE).status_code == 200


def test_only_a_form_signs_out_everywhere(root, browser):
    strict, stranger = Client(enforce_csrf_checks=True), Client()
    strict.force_login(root)

    answers = [strict.get(EVERYWHERE), strict.post(EVERYWHERE), stranger.post(EVERYWHERE)]

    assert [answer.status_code for answer in answers] == [405, 403, 302]
    assert strict.get(PAGE).status_code == 200


def test_codes_cannot_be_guessed_one_after_another(secret, turns):
    browser = Client()
    sign_in(browser)
    for _ in range(5):
        browser.post(ASK, {"code": "000000"})

    right = browser.post(ASK, {"code": turns(secret)})

    assert "Too many failed login attempts" in right.content.decode()
    assert browser.get("/ops/").status_code == 302


def test_wrong_codes_of_some_keep_nobody_else_at_their_address_out(secret, turns):
    for number in range(3):
        other = User.objects.create_superuser(f"other-{number}@example.com", PASSWORD)
        TOTP.activate(other, totp.generate_totp_secret())
        guesser = Client()
        guesser.post("/accounts/login/", {"login": other.email, "password": PASSWORD})
        for _ in range(5):
            guesser.post(ASK, {"code": "000000"})
    browser = Client()
    sign_in(browser)

    answer = browser.post(ASK, {"code": turns(secret)})

    assert answer.headers["Location"] == "/ops/staff/"


def test_wrong_codes_of_one_person_count_from_wherever_they_come(secret, turns):
    guesser = Client()
    sign_in(guesser)
    for number in range(5):
        guesser.post(ASK, {"code": "000000"}, REMOTE_ADDR=f"192.0.2.{number}")
    browser = Client(REMOTE_ADDR="192.0.2.9")
    sign_in(browser)

    answer = browser.post(ASK, {"code": turns(secret)})

    assert "Too many failed login attempts" in answer.content.decode()


def test_a_recovery_code_is_good_once(secret, browser):
    code = recovery_codes(browser)[0]
    first, second = Client(), Client()
    for other in (first, second):
        sign_in(other)

    once = first.post(ASK, {"code": code})
    twice = second.post(ASK, {"code": code})

    assert once.status_code == 302
    assert first.get("/ops/").status_code == 200
    assert "Incorrect code." in twice.content.decode()
    assert code not in recovery_codes(browser)


def test_a_session_with_only_a_password_is_asked_for_the_code(root, browser, turns):
    sign_in(browser)
    secret = set_up(browser, turns)
    elsewhere = Client()
    elsewhere.force_login(User.objects.get(pk=root.pk))  # its session has shown no factor

    led = elsewhere.get("/ops/staff/").headers["Location"]
    answer = elsewhere.post(led, {"code": turns(secret), "next": "/ops/staff/"})

    assert led == "/accounts/2fa/reauthenticate/?next=/ops/staff/"
    assert answer.headers["Location"] == "/ops/staff/"
    assert elsewhere.get("/ops/").status_code == 200


def test_factors_outlive_a_change_of_encryption_keys(secret, settings, turns):
    old, new = settings.ENCRYPTION_KEYS, Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, *old]
    call_command("person", "rotate-mfa")
    settings.ENCRYPTION_KEYS = [new]
    browser = Client()
    sign_in(browser)

    answer = browser.post(ASK, {"code": turns(secret)})

    assert answer.status_code == 302


def test_a_factor_by_an_unknown_key_lets_nobody_in(secret, settings, turns):
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    browser = Client()
    sign_in(browser)

    answer = browser.post(ASK, {"code": turns(secret)})

    assert "Incorrect code." in answer.content.decode()
    with pytest.raises(CommandError, match="unknown key"):
        call_command("person", "rotate-mfa")


def test_sign_in_works_while_redis_is_away(secret, settings, turns):
    away = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": away}
    browser = Client()
    sign_in(browser)
    code = turns(secret)

    answer = browser.post(ASK, {"code": code})
    again = Client()
    sign_in(again)
    repeated = again.post(ASK, {"code": code})

    assert answer.headers["Location"] == "/ops/staff/"
    assert "Incorrect code." in repeated.content.decode()  # local memory knows it


def test_without_the_rule_a_password_is_enough(root, browser, settings):
    settings.STAFF_MFA = False

    answer = sign_in(browser)

    assert answer.headers["Location"] == "/ops/staff/"
    assert browser.get("/ops/staff/").status_code == 200


def test_a_person_with_a_factor_is_asked_even_where_none_is_required(secret, settings):
    settings.STAFF_MFA = False

    assert sign_in(Client()).headers["Location"] == ASK


def test_nobody_is_sent_to_another_site(secret, turns):
    browser = Client()
    sign_in(browser, following="https://evil.example/")

    answer = browser.post(ASK, {"code": turns(secret)})

    assert answer.headers["Location"] == "/console/"


@pytest.mark.parametrize("path", [SET_UP, CODES, "/accounts/2fa/", "/accounts/reauthenticate/"])
def test_strangers_are_asked_to_sign_in(browser, path):
    answer = browser.get(path, follow=True)

    assert answer.redirect_chain[-1][0].startswith("/accounts/login/")


def test_the_way_that_djangos_people_type_leads_to_the_console(secret, browser):
    assert browser.get("/admin/")["Location"] == "/ops/"
    assert browser.get("/admin/accounts/user/").status_code == 404


def test_staff_sign_in_where_no_mail_works(root, browser, settings):
    settings.STAFF_MFA = False
    root.emailaddress_set.all().delete()

    assert sign_in(browser, following="/ops/").headers["Location"] == "/ops/"
    assert not Mail.objects.exists()


def test_a_session_ends_after_twelve_hours(settings):
    assert settings.SESSION_COOKIE_AGE == 12 * 60 * 60
    assert settings.SESSION_COOKIE_SAMESITE == "Lax"


def test_setting_up_after_a_while_takes_the_password_again(root, browser, settings):
    sign_in(browser)
    confirm(browser)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0

    asked = browser.get(SET_UP)
    page = browser.get(asked.headers["Location"])

    assert asked.headers["Location"].startswith("/accounts/reauthenticate/")
    assert "Type your password once more" in page.content.decode()


def test_passwords_cannot_be_guessed_in_an_open_session(root, browser, settings):
    sign_in(browser)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    for _ in range(10):
        browser.post("/accounts/reauthenticate/", {"password": "a guess"})

    answer = browser.post("/accounts/reauthenticate/", {"password": PASSWORD})

    assert answer.status_code == 429
    assert "Too many requests" in answer.content.decode()


def test_the_printed_sign_in_of_the_embedded_default_works_at_once(stack):
    with httpx.Client(base_url=stack.base_url, follow_redirects=True) as browser:
        page = browser.get("/ops/staff/")
        form = {
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
            "login": stack.env["PICTOR_DEMO_EMAIL"],
            "password": stack.env["PICTOR_DEMO_PASSWORD"],
            "next": "/ops/staff/",
        }
        signed_in = browser.post("/accounts/login/", data=form)
        set_up_page = browser.get(SET_UP)

    assert page.url.path == "/accounts/login/"
    assert (signed_in.status_code, signed_in.url.path) == (200, "/ops/staff/")
    assert "Set up a second factor" in set_up_page.text
