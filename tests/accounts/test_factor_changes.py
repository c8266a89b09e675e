"""A second factor is replaced, removed and reset; a first app of staff needs a mailed code."""

from urllib.parse import urlencode

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import AuditEvent, Mail, User
from accounts.services.office.tenants import create_tenant
from billing.models import Transfer
from tests.accounts.factors import (
    ADDRESS,
    ASK,
    CHANGE,
    CODES,
    OFF,
    PAGE,
    SET_UP,
    SHOW,
    confirm,
    mailed_code,
    minutes_pass,
    recovery_codes,
    set_up,
    sign_in,
)
from tests.accounts.sign_ups import PASSWORD

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("plain_static_files", "staff_mfa", "turns"),
]


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
    assert ">The authenticator app of root@example.com was removed. Signing in" in mail.html
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
    assert by_the_old["Location"] == "/ops/staff/"
    assert "Incorrect code." in late.post(ASK, {"code": turns(secret)}).content.decode()
    assert again.post(ASK, {"code": turns(new)})["Location"] == "/ops/staff/"
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
    browser.post(f"/ops/do/tenant.credit/{tenant.public_id}/", {"amount": "5", "note": "x"})

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


def test_a_password_is_changed_behind_a_fresh_factor_and_that_is_mailed(secret, root, browser):
    Mail.objects.all().delete()
    form = {"oldpassword": PASSWORD, "password1": "tr0ubador & 3", "password2": "tr0ubador & 3"}

    browser.post(CHANGE, form)

    root.refresh_from_db()
    mail = Mail.objects.get()
    assert root.check_password("tr0ubador & 3")
    assert (mail.to, mail.subject) == ("root@example.com", "Your password was changed")


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


def test_an_operator_takes_lost_factors_away(secret, root, browser, turns):
    call_command("person", "reset-mfa", "ROOT@example.com")

    signed_in_before = browser.get(PAGE)
    again = Client()
    sign_in(again)
    event = AuditEvent.objects.get(action="user.mfa_reset")

    assert signed_in_before.status_code == 302
    assert again.get("/ops/").headers["Location"].partition("?")[0] == SET_UP
    assert (event.actor_name[:11], event.object_id) == ("manage.py (", str(root.pk))
    assert event.before == {"factors": ["totp", "recovery_codes"]}
    mail = Mail.objects.latest("created_at")
    assert mail.subject == "Your second factor was removed"
    assert "An operator removed the second factor of root@example.com" in mail.text
    assert "An operator removed the second factor of root@example.com" in mail.html
    set_up(again, turns)
    assert again.get("/ops/").status_code == 200
    assert browser.get("/ops/").status_code == 302  # it has shown the old factor, not this one


@pytest.mark.parametrize(
    ("email", "said"),
    [("nobody@example.com", "nobody has the address"), ("root@example.com", "no second factor")],
)
def test_a_reset_without_a_factor_is_refused(root, email, said):
    with pytest.raises(CommandError, match=said):
        call_command("person", "reset-mfa", email)
