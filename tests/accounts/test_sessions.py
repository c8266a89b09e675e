"""Sessions: the contents of their rows, their end, and the keys that open them."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from cryptography.fernet import Fernet
from django.conf import settings as site
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from accounts.services.office.people import end_sessions
from accounts.sign_in.sessions import SessionStore
from accounts.tasks import forget_sessions
from pictor.kit.words import clock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]

HOME = "/accounts/2fa/"


@pytest.fixture
def ann():
    return User.objects.create_user("ann@example.com", "correct horse battery")


@pytest.fixture
def browser(ann):
    client = Client()
    client.force_login(ann)
    return client


def key_of(browser: Client) -> str:
    return browser.cookies[site.SESSION_COOKIE_NAME].value


def test_a_row_opens_nothing_put_into_a_cookie(browser):
    row = Session.objects.get()
    thief = Client()
    thief.cookies[site.SESSION_COOKIE_NAME] = row.session_key

    assert row.session_key != key_of(browser)
    assert "sessionid" not in row.session_data
    assert thief.get(HOME).status_code == 302
    assert browser.get(HOME).status_code == 200


def test_signing_out_deletes_the_row(browser):
    browser.post("/accounts/logout/")

    assert not Session.objects.exists()
    assert browser.get(HOME).status_code == 302


@pytest.mark.parametrize(
    "another_tab_changes",
    [
        lambda ann: Session.objects.all().delete(),  # the key, as setting an app up does
        lambda ann: end_sessions(user=ann, actor=ann),
    ],
    ids=["the key", "what a session must match"],
)
def test_a_late_answer_leaves_the_new_cookie(browser, ann, another_tab_changes):
    another_tab_changes(ann)

    late = browser.get(HOME)

    assert (late.status_code, site.SESSION_COOKIE_NAME in late.cookies) == (302, False)


def test_signing_out_deletes_the_cookie(browser):
    left = browser.post("/accounts/logout/")

    assert left.cookies[site.SESSION_COOKIE_NAME].value == ""


def test_a_session_outlives_a_new_encryption_key_and_ends_with_its_own(browser, settings):
    old, new = settings.ENCRYPTION_KEYS, Fernet.generate_key().decode()

    settings.ENCRYPTION_KEYS = [new, *old]
    beside_the_new_one = browser.get(HOME).status_code
    settings.ENCRYPTION_KEYS = [new]
    without_its_own = browser.get(HOME).status_code

    assert (beside_the_new_one, without_its_own) == (200, 302)


def test_expired_sessions_open_nothing_and_are_deleted(browser):
    Session.objects.update(expire_date=clock.now() - timedelta(seconds=1))

    assert browser.get(HOME).status_code == 302
    forget_sessions()
    assert not Session.objects.exists()


@async_to_sync
async def kept_without_a_thread(word: str) -> str:
    """Save a session and reopen it by the async methods; return its key."""
    session = SessionStore()
    await session.aset("word", word)
    await session.asave()
    assert await SessionStore(session.session_key).aget("word") == word
    return str(session.session_key)


def test_async_views_keep_sessions_in_the_same_way():
    key = kept_without_a_thread("said")

    assert SessionStore(key)["word"] == "said"
    assert not Session.objects.filter(session_key=key).exists()
    async_to_sync(SessionStore(key).aflush)()
    assert not Session.objects.exists()
