"""What people do with their own account: another address, and its end."""

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import ApiKey, AuditEvent, Mail, Membership, OpenSession, User
from accounts.rates import on_redis
from accounts.rates.local import LocalBuckets
from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.leaving import delete_account
from accounts.services.office.members import add_member
from accounts.services.office.people import create_user
from pictor.kit.words import clock
from tests.accounts.sign_ups import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]

EMAIL, DELETE, HOME = "/accounts/email/", "/accounts/delete/", "/accounts/2fa/"
NEW = "ann@new.example"


@pytest.fixture
def ann(monkeypatch):
    monkeypatch.setattr(on_redis, "_local", LocalBuckets())
    cache.clear()
    return person("ann@example.com")


@pytest.fixture
def browser(ann):
    """A browser in which Ann has typed her password a moment ago."""
    client = Client()
    client.post("/accounts/login/", {"login": ann.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def person(email: str) -> User:
    return create_user(email=email, password=PASSWORD, verified_at=clock.now(), actor="test")


def code_to(email: str) -> str:
    return Mail.objects.filter(to=email).latest("created_at").subject.removeprefix("Your code: ")


def codes() -> dict[str, str]:
    return {"present": code_to("ann@example.com"), "new": code_to(NEW)}


def test_a_new_address_is_confirmed_at_both(ann, browser):
    browser.post(EMAIL, {"email": " Ann@New.Example "})

    changed = browser.post(EMAIL, codes(), follow=True)

    ann.refresh_from_db()
    assert "Your address is ann@new.example now" in changed.content.decode()
    assert ann.email == NEW
    assert list(EmailAddress.objects.values_list("email", "verified")) == [(NEW, True)]
    assert AuditEvent.objects.get(action="user.change").actor == ann


@pytest.mark.parametrize("mistyped", ["present", "new"])
def test_one_code_is_not_enough(ann, browser, mistyped):
    browser.post(EMAIL, {"email": NEW})

    answer = browser.post(EMAIL, {**codes(), mistyped: "QQQ-QQQ"})

    ann.refresh_from_db()
    assert "Those are not the codes in the latest mails." in answer.content.decode()
    assert ann.email == "ann@example.com"


def test_codes_end_after_five_tries(ann, browser):
    browser.post(EMAIL, {"email": NEW})
    right = codes()
    for _ in range(5):
        browser.post(EMAIL, {**right, "new": "QQQ-QQQ"})

    answer = browser.post(EMAIL, right)

    ann.refresh_from_db()
    assert "Too many wrong codes. Begin again." in answer.content.decode()
    assert ann.email == "ann@example.com"


def test_an_address_with_an_account_is_told_so_and_the_page_is_the_same(ann, browser):
    person(NEW)

    answer = browser.post(EMAIL, {"email": NEW}, follow=True)

    assert "or that it has an account already" in re.sub(r"\s+", " ", answer.content.decode())
    assert Mail.objects.filter(to=NEW).latest("created_at").subject == "You have an account already"
    assert Mail.objects.filter(to="ann@example.com").exists()


def test_an_address_that_got_an_account_meanwhile_is_refused(ann, browser):
    browser.post(EMAIL, {"email": NEW})
    right = codes()
    person(NEW)

    answer = browser.post(EMAIL, right)

    ann.refresh_from_db()
    assert answer.status_code == 200
    assert ann.email == "ann@example.com"


def test_one_begins_again_with_another_address(ann, browser):
    browser.post(EMAIL, {"email": NEW})

    browser.post(EMAIL, {"again": "1"})

    assert 'name="email"' in browser.get(EMAIL).content.decode()


def test_staff_change_no_address_of_theirs(ann, browser):
    User.objects.filter(pk=ann.pk).update(staff_role="support")

    browser.post(EMAIL, {"email": NEW})

    assert not Mail.objects.filter(to=NEW).exists()
    assert "An owner of staff changes" in browser.get(EMAIL).content.decode()


@pytest.mark.parametrize("path", [EMAIL, DELETE])
def test_a_password_typed_long_ago_opens_neither_page(ann, path):
    client = Client()
    client.force_login(ann)

    assert client.get(path).headers["Location"].startswith("/accounts/reauthenticate/")


def test_a_deleted_account_leaves_its_id_and_events(ann, browser, acme):
    bob = person("bob@example.com")
    add_member(tenant=acme, user=bob, role=Membership.Role.OWNER, actor="test")
    add_member(tenant=acme, user=ann, role=Membership.Role.DEVELOPER, actor="test")
    key, _ = issue_api_key(tenant=acme, name="ci", actor=ann)
    Authenticator.objects.create(user=ann, type="recovery_codes", data={"seed": "x"})

    answer = browser.post(DELETE, {"email": "Ann@example.com"}, follow=True)

    ann.refresh_from_db()
    assert "Your account is deleted" in answer.content.decode()
    assert (ann.email, ann.name, ann.is_active) == (f"{ann.pk}@deleted.invalid", "", False)
    assert not ann.has_usable_password()
    assert ApiKey.objects.get(pk=key.pk).created_by == bob
    assert ApiKey.objects.get(pk=key.pk).revoked_at is None
    assert not ann.memberships.exists()
    assert not Authenticator.objects.exists()
    assert not OpenSession.objects.filter(user=ann).exists()
    assert not EmailAddress.objects.filter(email="ann@example.com").exists()
    assert not Mail.objects.filter(to="ann@example.com").exists()
    assert AuditEvent.objects.get(action="user.erase").object_id == str(ann.pk)
    assert browser.get(HOME).status_code == 302


def test_the_address_of_a_deleted_account_can_be_used_again(ann):
    delete_account(user=ann, confirmation=ann.email, now=clock.now(), actor=ann)

    assert person("ann@example.com").pk != ann.pk


def test_the_only_owner_of_a_workspace_hands_it_over_first(ann, browser, acme):
    add_member(tenant=acme, user=ann, role=Membership.Role.OWNER, actor="test")

    page = browser.get(DELETE).content.decode()
    answer = browser.post(DELETE, {"email": ann.email})

    assert "You are the only owner of these workspaces." in page
    assert f"/console/{acme.public_id}/members/" in page
    assert answer.status_code == 422
    assert Membership.objects.filter(user=ann).exists()


def test_another_address_deletes_nothing(ann, browser):
    answer = browser.post(DELETE, {"email": "bob@example.com"})

    ann.refresh_from_db()
    assert answer.status_code == 422
    assert "Type your address exactly as it is." in answer.content.decode()
    assert ann.is_active


def test_staff_leave_staff_before_their_account_is_deleted(ann):
    ann.staff_role = "support"
    ann.save()

    with pytest.raises(ValidationError, match="an owner of staff removes you first"):
        delete_account(user=ann, confirmation=ann.email, now=clock.now(), actor=ann)
