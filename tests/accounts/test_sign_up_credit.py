"""Sign-up credit: once a mailbox, three a network and day, and a daily total for all."""

import threading
from datetime import timedelta
from itertools import count

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Mail, SignUpCredit, Tenant, User
from accounts.services.office import sign_up_credit
from accounts.services.office.people import create_user
from accounts.services.office.welcome import verify_email
from billing.selectors.office.balances import balance_of
from pictor.kit.words import clock
from tests.accounts.sign_ups import CODE, FORM, SIGN_UP, code_in, latest
from tests.console.answers import words_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("open_house")]

HOSTS = (f"198.51.100.{number}" for number in count(1))
CREDIT = 5_000_000


def opened(email: str, ip: str = "") -> int:
    """Sign up from a new address or `ip`; return the workspace's opening balance."""
    browser = Client(REMOTE_ADDR=ip or next(HOSTS))
    browser.post(SIGN_UP, {**FORM, "email": email})
    browser.post(CODE, {"code": code_in(latest())})
    tenant = Tenant.objects.get(memberships__user__email=email.lower())
    return balance_of(tenant.id).available


@pytest.fixture
def operator(settings):
    settings.OPERATOR_CONTACT = "operator@pictor.example"


def test_one_mailbox_gets_the_credit_once():
    addresses = ["ann.lee@gmail.com", "annlee+1@gmail.com", "A.nnLee@googlemail.com"]

    assert [opened(address) for address in addresses] == [CREDIT, 0, 0]
    assert opened("ann.lee@example.com") == CREDIT


def test_a_mailbox_does_not_get_it_on_another_day_either():
    opened("ann@gmail.com")
    SignUpCredit.objects.update(at=clock.now() - timedelta(days=40))

    assert opened("a.nn@gmail.com") == 0


@pytest.mark.parametrize(
    "hosts",
    [["203.0.113.7"] * 4, [f"2001:db8:1:2::{number}" for number in range(1, 5)]],
    ids=["one address", "one network"],
)
def test_three_sign_ups_a_day_get_the_credit_in_one_network(hosts):
    begin = [opened(f"p{number}@example.com", host) for number, host in enumerate(hosts)]
    SignUpCredit.objects.update(at=clock.now() - timedelta(days=1))
    tomorrow = opened("late@example.com", hosts[0])

    assert (begin, tomorrow) == ([CREDIT, CREDIT, CREDIT, 0], CREDIT)


def test_above_the_days_ceiling_workspaces_open_with_nothing_and_the_operator_is_told_once(
    settings, operator
):
    settings.SIGN_UP_CREDIT_PER_DAY = 12_000_000

    begin = [opened(f"p{number}@example.com") for number in range(4)]

    assert begin == [CREDIT, CREDIT, 0, 0]
    told = Mail.objects.get(to="operator@pictor.example")
    assert "12.000000 USD" in told.text
    SignUpCredit.objects.update(at=clock.now() - timedelta(days=1))
    assert opened("late@example.com") == CREDIT


def test_without_an_operators_address_the_superusers_are_told(settings):
    settings.SIGN_UP_CREDIT_PER_DAY, settings.OPERATOR_CONTACT = 0, "Room 7"
    User.objects.create_superuser("root@example.com", "correct horse battery")

    opened("ann@example.com")

    assert Mail.objects.filter(to="root@example.com").count() == 1


@pytest.mark.django_db(transaction=True)
def test_no_more_than_three_get_the_credit_when_many_sign_up_at_once():
    users = [create_user(email=f"p{n}@example.com", password=None, actor="test") for n in range(8)]
    together = threading.Barrier(len(users))

    def verify(user: User) -> None:
        together.wait()
        verify_email(user=user, now=clock.now(), ip="203.0.113.7")
        connection.close()

    threads = [threading.Thread(target=verify, args=[user]) for user in users]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    balances = sorted(balance_of(tenant.id).available for tenant in Tenant.objects.all())
    assert balances == [0] * 5 + [CREDIT] * 3


def test_no_address_is_kept_with_it(django_capture_on_commit_callbacks):
    metric = sign_up_credit.CREDITS.labels("given")._value  # noqa: SLF001 - the library has no other way to it
    before = metric.get()

    with django_capture_on_commit_callbacks(execute=True):
        opened("ann@example.com", "203.0.113.7")

    (row,) = SignUpCredit.objects.values()
    kept = b"".join(bytes(value) for value in (row["mailbox"], row["network"]))
    assert (len(kept), b"ann" in kept) == (64, False)
    assert (row["amount_micros"], row["withheld"], metric.get() - before) == (CREDIT, "", 1)


@pytest.mark.parametrize("page", ["/", "/accounts/signup/"])
def test_the_credit_is_told_where_sign_up_is_open_and_gives_one(client, settings, offered, page):
    said = "$5.00 to try, once per mailbox: about 1,587 images of the cheapest kind."
    pages = []
    for settings.SIGN_UP, settings.SIGN_UP_CREDIT in ((True, 5_000_000), (True, 0), (False, 5)):
        pages.append(words_of(client.get(page)))

    assert [said in text for text in pages] == [True, False, False]
    assert "to try" not in "".join(pages[1:])


def test_who_was_invited_is_promised_no_credit(client, open_house, offered):
    page = words_of(client.get("/accounts/signup/?next=/invite/x/"))

    assert "to try" not in page
