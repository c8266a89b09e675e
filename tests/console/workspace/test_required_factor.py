"""A workspace that requires a second factor admits only members who have shown one."""

from functools import partial

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from billing.models import Transfer
from tests.console.answers import words_of
from tests.console.workspace.addresses import ACTIONS, address, asked, names
from tests.console.workspace.conftest import give_factor, peopled, require_factor, told, url


@pytest.mark.parametrize(
    "page",
    [
        *("2fa/recovery-codes/", "2fa/recovery-codes/generate/", "2fa/recovery-codes/download/"),
        *("2fa/totp/deactivate/", "password/change/"),
    ],
)
def test_a_password_typed_anew_neither_undoes_a_factor_nor_stands_for_it(acme, sign_in, page):
    client = sign_in(acme, email="eve@example.com")
    eve = give_factor(client, is_shown=False)
    eve.set_password("correct horse battery")
    eve.save()
    client.force_login(eve)
    client.post("/accounts/reauthenticate/", {"password": "correct horse battery"})

    answers = [client.get(f"/accounts/{page}"), client.post(f"/accounts/{page}")]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert {answer.headers["Location"].partition("=")[0] for answer in answers} == {
        "/accounts/2fa/reauthenticate/?next"
    }
    assert Authenticator.objects.filter(user=eve).count() == 1


@pytest.fixture
def everywhere(acme, sign_in, delivered, monkeypatch, takes_cards):
    """The address of each page, about an existing object, without a limit of pages a minute."""
    monkeypatch.setattr("accounts.rates.buckets.PAGES_OF_PERSON", 10_000)
    made = delivered(acme).public_id
    told(acme)
    peopled(acme, sign_in)
    return {name: address(name, acme, made, acme.key.public_id) for name in names()}


def shut_out(client: Client, name: str, page: str) -> str:
    """The refusal's text once every way to the page was refused; '' if one was not."""
    ask = client.post if name in ACTIONS else client.get
    part = ask(page, headers={"HX-Request": "true"})
    whole, csv = ask(page), ask(f"{page}?format=csv")
    is_shut = {answer.status_code for answer in (part, whole, csv)} == {403}
    has_told = bool(part.content) or part.headers.get("HX-Refresh") != "true"
    return words_of(whole) if is_shut and not has_told else ""


@pytest.mark.parametrize(
    ("prepare", "way"),
    [
        (
            lambda _: None,
            ("This workspace asks for a second factor", "/accounts/2fa/totp/activate/"),
        ),
        (
            partial(give_factor, is_shown=False),
            ("Enter your second factor", "/accounts/2fa/reauthenticate/?next=%2Fconsole%2F"),
        ),
    ],
    ids=["none", "not-shown"],
)
def test_a_member_without_the_required_factor_sees_nothing_of_any_page(
    acme, sign_in, everywhere, prepare, way
):
    client = sign_in(acme, email="eve@example.com")
    prepare(client)
    require_factor(acme)
    before = AuditEvent.objects.count(), Transfer.objects.count()

    pages = {name: shut_out(client, name, page) for name, page in everywhere.items()}

    ways = (*way, 'href="/console/?all=1"')
    inside = ("$", f'href="{url("overview", acme)}', acme.key.visible_prefix, "owner@acme")
    assert {name for name, html in pages.items() if any(word not in html for word in ways)} == set()
    assert {name for name, html in pages.items() if any(word in html for word in inside)} == set()
    assert (AuditEvent.objects.count(), Transfer.objects.count()) == before


def test_a_member_who_has_shown_the_factor_gets_in_everywhere(acme, sign_in, everywhere):
    client = sign_in(acme)
    give_factor(client)
    require_factor(acme)

    statuses = {}
    for name, page in everywhere.items():
        with transaction.atomic():  # undone, so the next one finds everything unchanged
            statuses[name] = asked(client, name, page)
            transaction.set_rollback(True)

    shut = {name for name, status in statuses.items() if status in {401, 403, 404}}
    no_such_list = {"list_ask"}
    assert (shut, max(statuses.values()) < 500) == (no_such_list, True)


def test_a_factor_that_is_given_up_shuts_the_next_page(acme, sign_in):
    client = sign_in(acme)
    user = give_factor(client)
    require_factor(acme)
    overview = url("overview", acme)
    assert client.get(overview).status_code == 200

    Authenticator.objects.filter(user=user).delete()
    without = client.get(overview).status_code
    # a code shown for the former factor does not count for this one
    give_factor(client, is_shown=False)
    anew = client.get(overview).status_code

    assert (without, anew) == (403, 403)


@pytest.mark.parametrize("page", ["members", "usage"])
def test_a_required_factor_comes_before_any_word_on_roles_and_people(acme, sign_in, page):
    client = sign_in(acme, "viewer")
    require_factor(acme)

    answer = client.get(url(page, acme))
    mistyped = client.get(url(page, acme) + "x/", headers={"Accept": "text/html"})

    assert (answer.status_code, mistyped.status_code) == (403, 404)
    assert "This workspace asks for a second factor" in words_of(answer)
    assert "owner@acme.example" not in words_of(answer) + words_of(mistyped)


def test_a_required_factor_costs_no_query(acme, sign_in, django_assert_num_queries):
    client = sign_in(acme)
    give_factor(client)
    overview = url("overview", acme)
    client.get(overview)  # loaded once a process
    with CaptureQueriesContext(connection) as before:
        client.get(overview)
    require_factor(acme)

    with django_assert_num_queries(len(before)):
        answer = client.get(overview)

    assert answer.status_code == 200
