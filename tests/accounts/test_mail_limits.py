"""Mail caused by strangers: the most that one mailbox gets, with any owner."""

import pytest
from django.test import Client

from accounts.models import Mail, User
from pictor.kit.redis.client import client
from tests.accounts.sign_ups import CODE, FORM, RESET, SIGN_UP

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("open_house")]


@pytest.fixture(autouse=True)
def no_limits_of_a_minute(settings):
    """Switch off the library's limits, which last a minute."""
    settings.ACCOUNT_RATE_LIMITS = False


@pytest.mark.usefixtures("known_or_unknown")
@pytest.mark.parametrize(
    ("page", "form"), [(SIGN_UP, FORM), (RESET, {"email": "ann@example.com"})], ids=["up", "reset"]
)
def test_one_mailbox_gets_six_within_an_hour(page, form):
    answers = [Client().post(page, form) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [302] * 6 + [429] * 5
    assert Mail.objects.filter(to="ann@example.com").count() == 6
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 600
    assert "Too many mails were sent to this address." in answers[-1].content.decode()


def test_one_mailbox_gets_twelve_before_the_days_limit_refills():
    [Client().post(RESET, {"email": "ann@example.com"}) for _ in range(6)]
    client().delete(*client().keys("pictor:rate:{mail}:*:hour"))  # as if an hour had passed
    answers = [Client().post(RESET, {"email": "ann@example.com"}) for _ in range(6)]
    client().delete(*client().keys("pictor:rate:{mail}:*:hour"))

    refused = Client().post(RESET, {"email": "ann@example.com"})

    assert [answer.status_code for answer in answers] == [302] * 6
    assert refused.status_code == 429
    assert 6_600 < int(refused.headers["Retry-After"]) <= 7_200


@pytest.mark.parametrize("domain", ["gmail.com", "corp.example"])
def test_a_label_leads_to_the_same_mailbox(domain):
    forms = [{"email": f"ann+{number}@{domain}"} for number in range(8)]

    answers = [Client().post(RESET, form) for form in forms]

    assert [answer.status_code for answer in answers] == [302] * 6 + [429] * 2


def test_asking_again_for_a_code_is_counted_too():
    browser = Client()
    browser.post(SIGN_UP, FORM)
    [Client().post(RESET, {"email": "ann@example.com"}) for _ in range(5)]

    answer = browser.post(CODE, {"action": "resend"})

    assert answer.status_code == 429
    assert Mail.objects.count() == 6


def test_a_refused_sign_up_leaves_no_user():
    [Client().post(RESET, {"email": "ann@example.com"}) for _ in range(6)]

    Client().post(SIGN_UP, FORM)

    assert not User.objects.exists()


def test_other_mailboxes_still_get_mail():
    [Client().post(RESET, {"email": "ann@example.com"}) for _ in range(7)]

    assert Client().post(RESET, {"email": "bob@example.com"}).status_code == 302
