"""Sign-ups abandoned or begun again: each next step keeps the page's promise."""

import re

import pytest
from django.test import Client

from accounts.models import Mail, User
from accounts.services.office.people import create_user
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from tests.accounts.sign_ups import CODE, FORM, LOGIN, PASSWORD, RESET, SIGN_UP, code_in, latest

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("open_house")]


@pytest.fixture
def address():
    """A new address, since typed passwords are counted by address."""
    return f"ann-{new_uuid().hex}@example.com"


@pytest.fixture
def known(address):
    """The address of a verified account."""
    create_user(email=address, password=PASSWORD, actor="test", verified_at=clock.now())
    return address


@pytest.fixture
def left(address):
    """A browser whose sign-up still waits for the code."""
    return signed_up(address)


def signed_up(address: str, **changes: str) -> Client:
    browser = Client()
    browser.post(SIGN_UP, {**FORM, "email": address, **changes})
    return browser


def credentials(address: str, password: str = PASSWORD) -> dict[str, str]:
    return {"login": address, "password": password}


def lead(browser: Client) -> str:
    """The paragraph under the heading of the page for the code."""
    page = browser.get(CODE).content.decode()
    (found,) = re.findall(r"</h1>\s*<p[^>]*>(.*?)</p>", page, re.DOTALL)
    return " ".join(re.sub("<[^>]*>", "", found).split())


@pytest.mark.parametrize("is_same", [True, False])
def test_an_abandoned_sign_up_is_finished_by_signing_in_with_a_fresh_code(left, address, is_same):
    first = code_in(latest())
    browser = left if is_same else Client()

    led = browser.post(LOGIN, credentials(address)).headers["Location"]
    said, fresh = lead(browser), code_in(latest())
    answer = browser.post(CODE, {"code": fresh})

    assert led == CODE
    assert said == f"We have mailed {address} a new code: the address has not been confirmed yet."
    assert fresh != first
    assert answer.headers["Location"] == "/console/"


def test_a_second_sign_up_is_mailed_about_the_account_and_can_sign_in(left, address):
    browser = signed_up(address, password1="another-fine-password")
    told = latest().subject

    browser.post(LOGIN, credentials(address))
    answer = browser.post(CODE, {"code": code_in(latest())})

    assert told == "You have an account already"
    assert answer.headers["Location"] == "/console/"


def test_a_mistyped_address_can_be_corrected_by_signing_up_again(left, address):
    left.post(SIGN_UP, {**FORM, "email": f"right-{address}"})
    answer = left.post(CODE, {"code": code_in(latest())})

    assert answer.headers["Location"] == "/console/"
    confirmed = User.objects.filter(email_verified_at__isnull=False)
    assert [user.email for user in confirmed] == [f"right-{address}"]


def test_a_wrong_password_is_wrong_while_a_code_is_awaited(left, address):
    answer = left.post(LOGIN, credentials(address, "a guess"))

    assert answer.status_code == 200
    assert "password you specified are not correct" in answer.content.decode()


def test_a_resent_mail_looks_the_same_for_known_and_unknown_addresses(known):
    stranger = f"bob-{known}"
    browsers = [signed_up(known), signed_up(stranger)]

    for browser in browsers:
        browser.post(CODE, {"action": "resend"})

    said = " The mail holds your code, or says that the address has an account."
    assert [lead(browser) for browser in browsers] == [
        f"We have mailed {known}.{said}",
        f"We have mailed {stranger}.{said}",
    ]
    sent = list(Mail.objects.order_by("id").values_list("to", flat=True))
    assert sent == [known, stranger, known, stranger]


def test_too_many_codes_are_not_called_too_many_passwords(left, address):
    pages = [Client().post(LOGIN, credentials(address)).content.decode() for _ in range(6)]

    assert Mail.objects.count() == 6
    assert "Too many codes were mailed to this address. Try again in a minute." in pages[-1]


def test_wrong_passwords_of_a_stranger_keep_nobody_out(known):
    stranger = Client(REMOTE_ADDR="203.0.113.9")
    guesses = [stranger.post(LOGIN, credentials(known, "a guess")) for _ in range(5)]

    answer = Client().post(LOGIN, credentials(known))

    assert [guess.status_code for guess in guesses] == [200] * 5
    assert answer.headers["Location"] == "/console/"


def test_the_page_for_a_code_leads_on_where_none_is_awaited(left):
    left.post(CODE, {"code": code_in(latest())})

    assert left.get(CODE).headers["Location"] == LOGIN
    assert left.get(LOGIN).headers["Location"] == "/console/"
    assert Client().get(CODE).headers["Location"] == LOGIN


def test_a_password_that_is_typed_anew_is_counted(known):
    browser = Client()
    browser.post(LOGIN, credentials(known))
    for _ in range(5):
        browser.post("/accounts/reauthenticate/", {"password": "a guess"})

    answer = browser.post("/accounts/reauthenticate/", {"password": PASSWORD})

    assert answer.status_code == 200
    assert "Too many failed login attempts" in answer.content.decode()


def test_after_too_many_wrong_codes_one_is_told_to_begin_again(left, address):
    for _ in range(2):
        left.post(CODE, {"code": "WRONG1"})

    page = left.post(CODE, {"code": "WRONG1"}, follow=True).content.decode()
    left.post(LOGIN, credentials(address))

    assert "Too many wrong codes. Start again to get a new one by mail." in page
    assert left.post(CODE, {"code": code_in(latest())}).headers["Location"] == "/console/"


@pytest.mark.parametrize("page", [SIGN_UP, RESET])
def test_an_address_that_no_column_holds_is_refused_on_the_form(client, page):
    answer = client.post(page, {**FORM, "email": f"{'a' * 280}@example.com"})

    assert answer.status_code == 200
    assert "An address has at most 254 characters." in answer.content.decode()
    assert not Mail.objects.exists()
