"""Staff sign in with a second factor: set up, required, lost, removed by an operator."""

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db.models import F
from django.test import Client

from accounts.models import AuditEvent, Mail, User
from accounts.rates import on_redis
from accounts.rates.local import LocalBuckets
from accounts.services import create_tenant
from billing.models import Transfer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]

PASSWORD = "correct horse battery"
SET_UP = "/accounts/2fa/totp/activate/"
ADDRESS = "/accounts/2fa/totp/address/"
CODES = "/accounts/2fa/recovery-codes/"
OFF, CHANGE = "/accounts/2fa/totp/deactivate/", "/accounts/password/change/"
SHOW = "/accounts/2fa/reauthenticate/"
PAGE, EVERYWHERE = "/accounts/2fa/", "/accounts/logout/everywhere/"
ASK = "/accounts/2fa/authenticate/"


@pytest.fixture(autouse=True)
def site(settings, monkeypatch):
    """Require the factor, and forget limits left by other tests, here and on Redis."""
    monkeypatch.setattr(on_redis, "_local", LocalBuckets())
    settings.STAFF_MFA = True
    settings.SECURE_SSL_REDIRECT = False
    cache.clear()


@pytest.fixture(autouse=True)
def turns(monkeypatch):
    """Half minutes that pass when a code is made, and never by themselves."""
    now = count(1_000)
    current = [next(now)]
    monkeypatch.setattr(totp, "yield_hotp_counters_from_time", lambda: iter(current))

    def code(secret):
        current[0] = next(now)
        return totp.format_hotp_value(totp.hotp_value(secret, current[0]))

    return code


@pytest.fixture
def root():
    return User.objects.create_superuser("root@example.com", PASSWORD)


@pytest.fixture
def browser():
    return Client()


def sign_in(browser: Client, following: str = "/admin/accounts/user/") -> Any:
    form = {"username": "Root@example.com", "password": PASSWORD, "next": following}
    return browser.post("/admin/login/", form)


def mailed_code(browser: Client) -> str:
    """Have a code mailed, which precedes a first app of staff; return it."""
    browser.post(ADDRESS, {"action": "resend"})
    return Mail.objects.latest("created_at").subject.removeprefix("Your code: ")


def confirm(browser: Client, following: str = "") -> None:
    """Type the mailed code."""
    form = {"code": mailed_code(browser), "next": following}
    assert browser.post(ADDRESS, form)["Location"].partition("?")[0] == SET_UP


def minutes_pass(browser: Client, minutes: int) -> None:
    """Have this session show the factor, and all factors set up, that much earlier."""
    earlier = timedelta(minutes=minutes)
    Authenticator.objects.update(created_at=F("created_at") - earlier)
    session = browser.session
    for entry in session[AUTHENTICATION_METHODS_SESSION_KEY]:
        entry["at"] -= earlier.total_seconds()
    session.save()


def set_up(browser: Client, code: Callable[[str], str]) -> str:
    """Set up an app, a first one after the mailed code; return its secret."""
    if browser.get(SET_UP).status_code == 302:
        confirm(browser)
    page = browser.get(SET_UP)
    secret: str = re.findall(r"[A-Z2-7]{32}", page.content.decode())[0]
    assert browser.post(SET_UP, {"code": code(secret)}).headers["Location"] == CODES
    return secret


def recovery_codes(browser: Client) -> list[str]:
    return re.findall(r"<li>(\d{8})</li>", browser.get(CODES).content.decode())


@pytest.fixture
def secret(root, browser, turns):
    """The secret of the app set up by the signed-in person of this browser."""
    sign_in(browser)
    return set_up(browser, turns)


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/accounts/user/", "/admin/search/?s=a", "/admin/password_change/"]
)
def test_staff_without_a_factor_see_nothing_but_the_set_up(root, browser, path):
    sign_in(browser)

    refused = browser.get(path)
    led = browser.get(refused.headers["Location"])

    assert refused.status_code == 302
    assert refused.headers["Location"].startswith("/admin/login/")
    assert led.headers["Location"] == SET_UP


def test_a_form_of_the_admin_is_not_taken_without_a_factor(root, browser):
    sign_in(browser)

    browser.post("/admin/accounts/tenant/add/", {"name": "mine"})

    assert not AuditEvent.objects.filter(action="tenant.create").exists()


def test_set_up_opens_the_admin_and_is_in_the_audit_log(secret, root, browser):
    page = browser.get("/admin/")
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
    assert (">Go on<" in html, "evil.example" in html) == (bool(way), False)


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
    outside = browser.get("/admin/accounts/user/")
    wrong = browser.post(ASK, {"code": "000000"})
    right = browser.post(ASK, {"code": turns(secret)})

    assert asked.headers["Location"] == ASK
    assert outside.headers["Location"].startswith("/admin/login/")
    assert "Incorrect code." in wrong.content.decode()
    assert right.headers["Location"] == "/admin/accounts/user/"
    assert browser.get("/admin/accounts/user/").status_code == 200


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
    assert thief.get("/admin/").status_code == 302


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
    assert browser.get("/admin/").status_code == 302


def test_wrong_codes_of_some_keep_nobody_else_at_their_address_out(secret, turns):
    for number in range(3):
        other = User.objects.create_superuser(f"other-{number}@example.com", PASSWORD)
        TOTP.activate(other, totp.generate_totp_secret())
        guesser = Client()
        guesser.post("/admin/login/", {"username": other.email, "password": PASSWORD})
        for _ in range(5):
            guesser.post(ASK, {"code": "000000"})
    browser = Client()
    sign_in(browser)

    answer = browser.post(ASK, {"code": turns(secret)})

    assert answer.headers["Location"] == "/admin/accounts/user/"


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
    assert first.get("/admin/").status_code == 200
    assert "Incorrect code." in twice.content.decode()
    assert code not in recovery_codes(browser)


def test_new_recovery_codes_end_the_old_ones_and_are_mailed(
    secret, browser, django_capture_on_commit_callbacks
):
    old = recovery_codes(browser)

    with django_capture_on_commit_callbacks(execute=True):
        browser.post(f"{CODES}generate/")

    mail = Mail.objects.latest("created_at")
    assert mail.subject == "New recovery codes were made"
    assert mail.text.startswith("New recovery codes were made for root@example.com.")

    assert len(old) == len(set(old)) == 10
    assert not set(old) & set(recovery_codes(browser))


def test_a_session_with_only_a_password_is_asked_for_the_code(root, browser, turns):
    sign_in(browser)
    secret = set_up(browser, turns)
    elsewhere = Client()
    elsewhere.force_login(User.objects.get(pk=root.pk))  # its session has shown no factor

    led = elsewhere.get("/admin/login/?next=/admin/accounts/user/").headers["Location"]
    answer = elsewhere.post(led, {"code": turns(secret), "next": "/admin/accounts/user/"})

    assert led == "/accounts/2fa/reauthenticate/?next=%2Fadmin%2Faccounts%2Fuser%2F"
    assert answer.headers["Location"] == "/admin/accounts/user/"
    assert elsewhere.get("/admin/").status_code == 200


def test_staff_replace_their_app_and_do_not_switch_it_off(secret, browser):
    page = browser.get(PAGE).content.decode()

    answers = [browser.get(OFF), browser.post(OFF)]

    assert [answer["Location"] for answer in answers] == [SET_UP] * 2
    assert (f'href="{SET_UP}"' in page, f'href="{OFF}"' in page) == (True, False)
    assert Authenticator.objects.filter(type="totp").exists()


def test_others_switch_it_off_and_are_mailed_in_our_words(secret, root, browser):
    User.objects.update(staff_role="", is_staff=False)

    answer = browser.post(OFF)

    mail = Mail.objects.latest("created_at")
    events = AuditEvent.objects.filter(action="user.mfa_off", actor=root).order_by("id")
    assert (answer["Location"], f'href="{OFF}"' in browser.get(PAGE).content.decode()) == (
        PAGE,
        False,
    )
    assert [event.after for event in events] == [{"factor": "totp"}, {"factor": "recovery_codes"}]
    assert mail.subject == "Your authenticator app was removed"
    assert mail.text.startswith("The authenticator app of root@example.com was removed.")
    assert "It was done from 127.0.0.1 with" in mail.text
    assert mail.text.endswith("set a new password now and tell your operator.")
    assert "<p>The authenticator app of root@example.com was removed." in mail.html
    assert "max-width:480px" in mail.html  # the layout of all our mails


def test_an_app_is_replaced_once_the_new_one_is_confirmed(
    secret, root, browser, turns, django_capture_on_commit_callbacks
):
    old = recovery_codes(browser)
    page = browser.get(SET_UP).content.decode()
    wrong = browser.post(SET_UP, {"code": "000000"})
    meanwhile = Client()
    sign_in(meanwhile)
    by_the_old = meanwhile.post(ASK, {"code": turns(secret)})

    with django_capture_on_commit_callbacks(execute=True):
        new = set_up(browser, turns)

    late, again = Client(), Client()
    for other in (late, again):
        sign_in(other)
    assert "your present app and recovery codes work" in " ".join(page.split())
    assert "Incorrect code." in wrong.content.decode()
    assert by_the_old["Location"] == "/admin/accounts/user/"
    assert "Incorrect code." in late.post(ASK, {"code": turns(secret)}).content.decode()
    assert again.post(ASK, {"code": turns(new)})["Location"] == "/admin/accounts/user/"
    assert not set(old) & set(recovery_codes(browser))
    assert Mail.objects.latest("created_at").subject == "An authenticator app was set up"


CHANGES = (OFF, SET_UP, CODES, f"{CODES}generate/", f"{CODES}download/", CHANGE)


@pytest.mark.parametrize("role", ["finance", ""])
def test_a_password_alone_replaces_no_factor(secret, root, browser, role):
    """The attack: a session whose factor is stale, and the password."""
    User.objects.update(staff_role=role, is_staff=False)
    tenant = create_tenant(name="acme", actor="test")
    before = [*Authenticator.objects.values_list("pk", "data"), User.objects.get().password]
    minutes_pass(browser, 16)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    form = {"oldpassword": PASSWORD, "password1": "tr0ubador & 3", "password2": "tr0ubador & 3"}

    answers = [browser.get(path) for path in CHANGES] + [
        browser.post(path, form | {"code": "000000"}) for path in CHANGES
    ]
    browser.post(f"/ops/tenants/{tenant.public_id}/money/credit/", {"amount": "5", "note": "x"})

    led = {answer["Location"].partition("?")[0] for answer in answers}
    assert led <= {SHOW, SET_UP}  # where staff are led from the removal, they are asked, too
    assert [answer["Location"] for answer in answers].count(SET_UP) == (2 if role else 0)
    assert [*Authenticator.objects.values_list("pk", "data"), User.objects.get().password] == before
    assert not Transfer.objects.exists()


def test_a_factor_shown_within_15_minutes_lets_one_change_them(secret, browser, turns):
    minutes_pass(browser, 16)
    asked = browser.get(CHANGE)
    browser.post(SHOW, {"code": turns(secret)})

    answers = [browser.get(path) for path in CHANGES if path != OFF]

    assert asked["Location"] == f"{SHOW}?{urlencode({'next': CHANGE})}"
    assert {answer.status_code for answer in answers} == {200}


def test_a_recovery_code_lets_one_replace_an_app_that_is_lost(secret, browser, turns):
    code = recovery_codes(browser)[0]
    minutes_pass(browser, 16)
    browser.post(SHOW, {"code": code})

    assert set_up(browser, turns) != secret


def test_a_first_app_of_staff_needs_the_code_that_was_mailed(root, browser, turns):
    sign_in(browser)

    onwards = browser.get(SET_UP, {"next": "/ops/"})["Location"]
    led = [browser.get(SET_UP), browser.post(SET_UP, {"code": "000000"})]
    code = mailed_code(browser)
    wrong = browser.post(ADDRESS, {"code": "BBBB-BBBB"})
    right = browser.post(ADDRESS, {"code": code})

    mail = Mail.objects.get()
    assert onwards == f"{ADDRESS}?next=%2Fops%2F"
    assert [answer["Location"] for answer in led] == [ADDRESS] * 2
    assert "That is not the code in the latest mail." in wrong.content.decode()
    assert right["Location"] == SET_UP
    assert (mail.to, "max-width:480px" in mail.html) == ("root@example.com", True)
    set_up(browser, turns)
    root.refresh_from_db()
    call_command("person", "reset-mfa", "root@example.com")
    sign_in(browser)
    assert browser.get(SET_UP)["Location"] == ADDRESS  # the used code is no use after a reset
    assert "That code has ended." in browser.post(ADDRESS, {"code": code}).content.decode()


def test_another_session_does_not_profit_from_the_code(root, browser):
    thief = Client()
    for one in (browser, thief):
        sign_in(one)
    confirm(browser)

    assert thief.get(SET_UP)["Location"] == ADDRESS


def test_a_mailed_code_has_five_tries_and_a_fresh_one_as_many(root, browser):
    sign_in(browser)
    code = mailed_code(browser)
    for _ in range(5):
        browser.post(ADDRESS, {"code": "BBBB-BBBB"})

    late = browser.post(ADDRESS, {"code": code})
    fresh = mailed_code(browser)

    assert "Too many wrong codes. Have another one mailed." in late.content.decode()
    assert browser.get(SET_UP)["Location"] == ADDRESS
    assert fresh != code
    assert browser.post(ADDRESS, {"code": fresh})["Location"] == SET_UP


@pytest.mark.parametrize(("minutes", "is_good"), [(14, True), (16, False)])
def test_a_mailed_code_is_good_for_15_minutes(root, browser, minutes, is_good):
    sign_in(browser)
    code = mailed_code(browser)
    session = browser.session
    session["address_code"] = session["address_code"] | {
        "until": session["address_code"]["until"] - minutes * 60
    }
    session.save()

    browser.post(ADDRESS, {"code": code})

    assert (browser.get(SET_UP).status_code == 200) == is_good


def test_codes_that_are_asked_for_are_counted_by_mailbox(root, browser):
    sign_in(browser)

    answers = [browser.post(ADDRESS, {"action": "resend"}) for _ in range(7)]

    assert [answer.status_code for answer in answers] == [302] * 6 + [429]
    assert Mail.objects.count() == 6
    latest = Mail.objects.latest("created_at").subject.removeprefix("Your code: ")
    assert browser.post(ADDRESS, {"code": latest})["Location"] == SET_UP


def test_without_a_mail_server_the_shell_shows_the_code(root, browser, capsys):
    sign_in(browser)
    code = mailed_code(browser)

    call_command("person", "mail", "ROOT@example.com")

    assert f"    {code}\n" in capsys.readouterr().out
    Mail.objects.all().delete()
    with pytest.raises(CommandError, match="is waiting to be sent"):
        call_command("person", "mail", "root@example.com")


def test_who_is_no_staff_sets_an_app_up_without_a_mail(root, browser, turns):
    User.objects.update(staff_role="", is_staff=False)
    browser.force_login(root)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})

    assert set_up(browser, turns)
    assert not Mail.objects.exists()


def test_an_operator_takes_lost_factors_away(secret, root, browser, turns):
    call_command("person", "reset-mfa", "ROOT@example.com")

    signed_in_before = browser.get(PAGE)
    again = Client()
    sign_in(again)
    event = AuditEvent.objects.get(action="user.mfa_reset")

    assert signed_in_before.status_code == 302
    assert again.get("/admin/login/").headers["Location"] == SET_UP
    assert (event.actor_name[:11], event.object_id) == ("manage.py (", str(root.pk))
    assert event.before == {"factors": ["totp", "recovery_codes"]}
    mail = Mail.objects.latest("created_at")
    assert mail.subject == "Your second factor was removed"
    assert "An operator removed the second factor of root@example.com" in mail.text
    assert "An operator removed the second factor of root@example.com" in mail.html
    set_up(again, turns)
    assert again.get("/admin/").status_code == 200
    assert browser.get("/admin/").status_code == 302  # it has shown the old factor, not this one


@pytest.mark.parametrize(
    ("email", "said"),
    [("nobody@example.com", "nobody has the address"), ("root@example.com", "no second factor")],
)
def test_a_reset_without_a_factor_is_refused(root, email, said):
    with pytest.raises(CommandError, match=said):
        call_command("person", "reset-mfa", email)


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

    assert answer.headers["Location"] == "/admin/accounts/user/"
    assert "Incorrect code." in repeated.content.decode()  # local memory knows it


def test_without_the_rule_a_password_is_enough(root, browser, settings):
    settings.STAFF_MFA = False

    answer = sign_in(browser)

    assert answer.headers["Location"] == "/admin/accounts/user/"
    assert browser.get("/admin/accounts/user/").status_code == 200


def test_a_person_with_a_factor_is_asked_even_where_none_is_required(secret, settings):
    settings.STAFF_MFA = False

    assert sign_in(Client()).headers["Location"] == ASK


def test_nobody_is_sent_to_another_site(secret, turns):
    browser = Client()
    sign_in(browser, following="https://evil.example/")

    answer = browser.post(ASK, {"code": turns(secret)})

    assert answer.headers["Location"] == "/admin/"


@pytest.mark.parametrize("path", [SET_UP, CODES, "/accounts/2fa/", "/accounts/reauthenticate/"])
def test_strangers_are_asked_to_sign_in(browser, path):
    answer = browser.get(path, follow=True)

    assert answer.redirect_chain[-1][0].startswith("/accounts/login/")


@pytest.mark.parametrize(
    "path", ["/admin/mfa/authenticator/", "/admin/account/emailaddress/", "/admin/mfa/"]
)
def test_the_admin_has_no_pages_of_the_library(secret, browser, path):
    assert browser.get(path).status_code == 404


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
        page = browser.get("/admin/accounts/user/")
        form = {
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
            "username": stack.env["PICTOR_DEMO_EMAIL"],
            "password": stack.env["PICTOR_DEMO_PASSWORD"],
            "next": "/admin/accounts/user/",
        }
        signed_in = browser.post("/admin/login/", data=form)
        set_up_page = browser.get(SET_UP)

    assert page.url.path == "/admin/login/"
    assert (signed_in.status_code, signed_in.url.path) == (200, "/admin/accounts/user/")
    assert "Set up a second factor" in set_up_page.text
