"""What people see of their sessions, and how they end them."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from accounts.models import AuditEvent, OpenSession, User
from accounts.rates import on_redis
from accounts.rates.local import LocalBuckets
from accounts.services.office.people import create_user
from accounts.sign_in import seen
from accounts.sign_in.seen import browser_of, network_of
from accounts.tasks import forget_sessions
from pictor.kit.words import clock
from tests.accounts.sign_ups import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]

HOME, OTHERS = "/accounts/2fa/", "/accounts/sessions/others/end/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"
CHROME = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"


@pytest.fixture
def ann(monkeypatch):
    monkeypatch.setattr(on_redis, "_local", LocalBuckets())
    cache.clear()
    return create_user(
        email="ann@example.com", password=PASSWORD, verified_at=clock.now(), actor="test"
    )


def signed_in(agent: str, address: str = "203.0.113.7") -> Client:
    browser = Client(headers={"User-Agent": agent}, REMOTE_ADDR=address)
    form = {"login": "ann@example.com", "password": PASSWORD}
    assert browser.post("/accounts/login/", form).status_code == 302
    return browser


def digest_in(agent: str) -> str:
    return OpenSession.objects.get(browser=browser_of(agent)).digest


def test_a_sign_in_is_noted_by_the_digest_that_its_own_row_has(ann):
    signed_in(FIREFOX)

    noted = OpenSession.objects.get()

    assert (noted.user, noted.network) == (ann, "203.0.113.0/24")
    assert noted.browser == "Firefox on Linux"
    assert noted.digest == Session.objects.get().session_key


def test_the_page_names_each_session_and_which_one_is_this(ann):
    browser = signed_in(FIREFOX)
    signed_in(EDGE, "2001:db8:1:2::3")

    html = browser.get(HOME).content.decode()

    assert html.count("· this one") == 1
    assert "Network 2001:db8:1::/48" in html
    assert f"/accounts/sessions/{digest_in(EDGE)}/end/" in html
    assert f"/accounts/sessions/{digest_in(FIREFOX)}/end/" not in html


def test_a_session_that_is_ended_opens_nothing_and_is_listed_no_more(ann):
    browser, other = signed_in(FIREFOX), signed_in(EDGE)

    ended = browser.post(f"/accounts/sessions/{digest_in(EDGE)}/end/", follow=True)

    assert "Session ended" in ended.content.decode()
    assert "Edge on Windows" not in ended.content.decode()
    assert other.get(HOME).status_code == 302
    assert browser.get(HOME).status_code == 200
    assert AuditEvent.objects.get(action="user.session_end").after == {"browser": "Edge on Windows"}


def test_nobody_ends_a_session_of_somebody_else(ann):
    victim = signed_in(FIREFOX)
    thief = Client()
    thief.force_login(User.objects.create_user("eve@example.com", PASSWORD))

    answer = thief.post(f"/accounts/sessions/{digest_in(FIREFOX)}/end/", follow=True)

    assert "That session has ended already." in answer.content.decode()
    assert victim.get(HOME).status_code == 200


def test_all_others_end_and_this_one_stays_as_it_began(ann):
    browser, other = signed_in(FIREFOX), signed_in(EDGE)
    begun = OpenSession.objects.get(digest=digest_in(FIREFOX)).begun_at

    ended = browser.post(OTHERS, follow=True)

    assert "All other sessions ended" in ended.content.decode()
    assert other.get(HOME).status_code == 302
    assert [one.browser for one in OpenSession.objects.all()] == ["Firefox on Linux"]
    assert OpenSession.objects.get().begun_at == begun.replace(microsecond=0)


def test_the_time_seen_moves_once_a_minute(ann, monkeypatch):
    browser = signed_in(FIREFOX)
    before, now = OpenSession.objects.get().seen_at, clock.now()

    browser.get(HOME)
    unmoved = OpenSession.objects.get().seen_at
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=2))
    browser.get(HOME)

    assert unmoved == before
    assert OpenSession.objects.get().seen_at == now + timedelta(minutes=2)


def test_sessions_that_are_over_are_not_shown_and_are_forgotten(ann):
    browser = signed_in(FIREFOX)
    signed_in(EDGE)
    Session.objects.filter(session_key=digest_in(EDGE)).delete()

    html = browser.get(HOME).content.decode()
    forget_sessions()

    assert "Edge on Windows" not in html
    assert [one.browser for one in OpenSession.objects.all()] == ["Firefox on Linux"]


def test_a_process_remembers_no_more_sessions_than_fit(ann, monkeypatch):
    monkeypatch.setattr(seen, "_MAX_NOTED", 1)
    signed_in(FIREFOX)
    signed_in(EDGE)

    assert list(seen._noted) == [digest_in(EDGE)]  # noqa: SLF001 - the memory itself is bounded


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (EDGE, "Edge on Windows"),
        (CHROME, "Chrome on Android"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown browser"),
        ("<script>", "Unknown browser"),
    ],
)
def test_a_browser_is_named_by_its_words(agent, name):
    assert browser_of(agent) == name


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("127.0.0.1", ""),
        ("unix:", ""),
    ],
)
def test_an_address_is_kept_as_its_network(address, network):
    assert network_of(address) == network


def test_a_name_is_saved_and_recorded(ann):
    browser = signed_in(FIREFOX)

    browser.post("/accounts/name/", {"name": " Ann Lee "})
    refused = browser.post("/accounts/name/", {"name": "a" * 151}, follow=True)

    ann.refresh_from_db()
    assert ann.name == "Ann Lee"
    assert "A name has at most 150 characters." in refused.content.decode()
    assert AuditEvent.objects.filter(action="user.change", after__name="Ann Lee").exists()
