"""Roles and their pages: every address below a workspace, from the URL map."""

import re
from collections.abc import Iterator
from contextvars import copy_context
from copy import deepcopy
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import resolve, reverse
from pytest_django import DjangoDbBlocker

from accounts.models import AuditEvent
from billing.models import Transfer
from pictor.kit.watching import log
from storage.models import StoredImage
from tests.console.answers import said_by, words_of
from tests.console.workspace.addresses import ACTIONS, ELSEWHERE, address, answered, asked, names
from tests.console.workspace.conftest import (
    Begun,
    available,
    deliverer,
    peopled,
    signed_in,
    told,
    url,
)
from tests.making.factories import PayingCustomer

EVERYBODY = {"owner", "admin", "developer", "billing", "viewer"}
MAKERS = {"owner", "admin", "developer"}
LOOKERS = MAKERS | {"viewer"}
PAYERS = {"owner", "admin", "billing", "viewer"}
ADMIN_ROLES = {"owner", "admin"}
MAY = {
    "overview": EVERYBODY,
    "start_dismiss": EVERYBODY,
    "usage": EVERYBODY,
    "customers": LOOKERS,
    "find": EVERYBODY,
    "playground": MAKERS,
    "playground_quote": MAKERS,
    "playground_run": MAKERS,
    "compare": MAKERS,
    "compare_run": MAKERS,
    "generations": LOOKERS,
    "generation": LOOKERS,
    "thumbnail": LOOKERS,
    "generation_zip": LOOKERS,
    "refused": LOOKERS,
    "generation_cancel": MAKERS,
    "generation_delete": MAKERS,
    "keys": LOOKERS,
    "key": LOOKERS - {"developer"},  # of a key made by another member
    "key_new": MAKERS,
    "key_rotate": ADMIN_ROLES,
    "key_revoke": ADMIN_ROLES,
    "key_open": {"owner"},
    "webhooks": MAKERS,
    "webhook_new": MAKERS,
    "webhook": MAKERS,
    "webhook_switch": MAKERS,
    "webhook_rotate": MAKERS,
    "webhook_delete": MAKERS,
    "webhook_test": MAKERS,
    "webhook_resend": MAKERS,
    "delivery": MAKERS,
    "delivery_resend": MAKERS,
    "billing": PAYERS,
    "pay": {"owner", "admin", "billing"},
    "payments": PAYERS,
    "payment": PAYERS,
    "payments_portal": {"owner", "admin", "billing"},
    "automatic": {"owner", "admin", "billing"},
    "automatic_stop": {"owner", "admin", "billing"},
    "billing_details": {"owner", "admin", "billing"},
    "ledger": PAYERS,
    "statements": PAYERS,
    "statement": PAYERS,
    "prices": PAYERS,
    "members": ADMIN_ROLES,
    "member_invite": ADMIN_ROLES,
    "member_factor": ADMIN_ROLES,
    "member_role": ADMIN_ROLES,
    "member_remove": ADMIN_ROLES,
    "member_change": {"owner"},
    "invitation_cancel": ADMIN_ROLES,
    "audit": ADMIN_ROLES,
    "settings": ADMIN_ROLES,
    "settings_limits": ADMIN_ROLES,
    "billing_alert": {"owner", "admin", "billing"},
    "settings_support": {"owner"},
    "delete": {"owner"},
    "export_ask": ADMIN_ROLES,
    "export": ADMIN_ROLES,
    "exports": EVERYBODY,
    "list_ask": set(),  # an unknown list; for real ones see test_lists.py
}


@dataclass(frozen=True)
class There:
    """Objects in acme and in another workspace as each test begins."""

    other: PayingCustomer
    made: str
    """The last of acme's generations."""
    theirs: str
    members: dict[str, SimpleCookie]
    """Browser cookies of acme's members, by role."""


@pytest.fixture(scope="module")
def everything(
    begun: Begun, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[There]:
    """One of each object that a page may be about, written once for the module."""
    delivered = deliverer(tmp_path_factory.mktemp("spool"))
    with django_db_blocker.unblock(), transaction.atomic():
        acme, other = begun.acme, PayingCustomer("other")
        for customer in (acme, other):
            told(customer)
            peopled(customer, signed_in)
        made = [delivered(acme).public_id for _ in range(3)][-1]
        members = {role: signed_in(acme, role).cookies for role in sorted(EVERYBODY)}
        there = There(other, made, delivered(other).public_id, members)
        with django_db_blocker.block():
            yield there
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def there(everything: There, monkeypatch: pytest.MonkeyPatch, takes_cards: object) -> There:
    """Lift the limit of pages a minute."""
    monkeypatch.setattr("accounts.rates.buckets.PAGES_OF_PERSON", 10_000)
    return everything


@pytest.fixture
def other(there: There) -> PayingCustomer:
    return deepcopy(there.other)


def member(there: There, role: str = "owner") -> Client:
    """A browser of acme's member with that role."""
    client = Client()
    client.cookies = deepcopy(there.members[role])
    return client


PAGES = sorted(set(names()) - ACTIONS - ELSEWHERE)


ADDRESS = re.compile(rb'(?:href|action|formaction|src|hx-\w+)="(/console/ten_[^"?#]+)')


def addresses(answer: Any) -> set[str]:
    """Names of the workspace addresses linked in the page."""
    return {str(resolve(path.decode()).url_name) for path in set(ADDRESS.findall(answer.content))}


def test_every_address_has_its_roles():
    assert set(names()) == set(MAY)


@pytest.mark.parametrize("name", names())
def test_a_stranger_is_led_to_the_sign_in(client, acme, name):
    url = address(name, acme, "gen_x", "key_x")

    answer = client.post(url) if name in ACTIONS else client.get(url)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=/console/")


def test_a_form_sent_after_the_session_has_ended_is_said_not_to_be_saved(acme, client):
    form, target = address("settings", acme), address("settings_limits", acme)
    sent = {"HTTP_REFERER": f"http://testserver{form}"}

    signed_out = client.post(target, {"own_max_in_flight": "2"}, **sent, follow=True)
    again = client.get(signed_out.redirect_chain[0][0])

    words = "You were signed out, so nothing was saved. Sign in and send it again."
    assert signed_out.redirect_chain == [(f"/accounts/login/?next={form}", 302)]
    assert words in said_by(signed_out)
    assert words not in said_by(again)


def test_a_page_s_line_in_the_log_has_its_tenant(acme, sign_in):
    client = sign_in(acme)

    def asked_in_a_request():
        noted = log.begin_request("req_1")
        client.get(reverse("workspace:overview", args=[acme.tenant.public_id]))
        return noted

    assert copy_context().run(asked_in_a_request) == {"tenant": acme.tenant.public_id}


@pytest.mark.parametrize("name", names())
def test_another_workspace_is_not_there(acme, other, there, name):
    theirs, client = there.theirs, member(there)
    before = Transfer.objects.count()

    whole = address(name, other, theirs, other.key.public_id)
    assert asked(client, name, whole) == 404
    assert asked(client, name, whole, partly=True) == 404
    assert asked(client, name, f"{whole}?format=csv") == 404
    # another tenant's object under one's own workspace, if the address has one
    mixed = {address(name, acme, theirs, other.key.public_id, people=other)}
    mixed -= {address(name, acme, "gen_x", "key_x")}
    assert {asked(client, name, one) for one in mixed} <= {404}
    other.key.refresh_from_db()
    assert (other.key.revoked_at, Transfer.objects.count()) == (None, before)


def test_another_workspaces_things_are_not_shown_in_ones_own(acme, other, sign_in, delivered):
    theirs = delivered(other, prompt="nobody else's fox").public_id
    client = sign_in(acme)

    run = client.get(address("playground", acme) + f"?run={theirs}")
    again = client.get(address("playground", acme) + f"?again={theirs}")
    listed = client.get(address("generations", acme) + f"?q={theirs}").content.decode()

    assert (run.status_code, again.status_code) == (404, 404)
    assert "nobody else" not in listed


@pytest.mark.parametrize("name", names())
def test_a_role_opens_its_pages_and_no_other_and_is_led_to_no_other(acme, there, name):
    url = address(name, acme, there.made, acme.key.public_id)

    statuses: dict[str, int] = {}
    led: set[tuple[str, str]] = set()
    for role in EVERYBODY:
        with transaction.atomic():  # undone, so the next one finds everything unchanged
            answer = answered(member(there, role), name, url)
            statuses[role] = answer.status_code
            led |= {(role, where) for where in addresses(answer)}
            transaction.set_rollback(True)

    assert {role for role, status in statuses.items() if status not in {403, 404}} == MAY[name]
    assert max(statuses.values()) < 500
    assert {(role, where) for role, where in led if role not in MAY[where]} == set()
    opened = MAY[name] if name in PAGES else set()
    assert {(role, where) for role in opened for where in ("overview", "usage")} <= led
    assert {role for role, where in led if where not in {"overview", "usage"}} >= opened


@pytest.mark.parametrize(("role", "may"), [("viewer", "owner or admin"), ("admin", "owner")])
def test_a_page_of_another_role_names_it_and_who_has_it(acme, there, role, may):
    page = "members" if role == "viewer" else "settings_support"
    ask = member(there, role).get if role == "viewer" else member(there, role).post

    answer = ask(url(page, acme), headers={"Accept": "text/html"})

    assert answer.status_code == 403
    words = words_of(answer)
    assert f"This is for the role {may}, and yours is {role}." in words
    assert "owner@acme.example" in words
    assert 'aria-label="Workspace"' in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("mistyped/", "No page of this workspace has that address: it may be mistyped."),
        ("generations/gen_x/", "It is gone, or never was in this workspace."),
    ],
)
def test_an_address_that_leads_nowhere_keeps_the_shell_in_ones_own(acme, other, there, path, said):
    client, html = member(there, "viewer"), {"Accept": "text/html"}

    here = client.get(url("overview", acme) + path, headers=html)
    elsewhere = client.get(url("overview", other) + path, headers=html)

    assert here.status_code == elsewhere.status_code == 404
    assert said in words_of(here)
    assert "owner@acme.example" in words_of(here)
    assert 'aria-label="Workspace"' in here.content.decode()
    assert 'aria-label="Workspace"' not in elsewhere.content.decode()


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_a_get_of_an_actions_address_leads_to_the_page_above(acme, there, name):
    action = address(name, acme, there.made, acme.key.public_id)

    answer = member(there).get(action, follow=True)

    assert answer.status_code == 200
    assert [status for _, status in answer.redirect_chain if status != 302] == []
    assert action.startswith(answer.request["PATH_INFO"])
    assert action != answer.request["PATH_INFO"]


def test_looking_at_everything_changes_nothing(acme, there):
    client = member(there)
    before = (AuditEvent.objects.count(), Transfer.objects.count(), available(acme))

    pages = [address(name, acme, there.made, acme.key.public_id) for name in PAGES]
    statuses = {client.get(page).status_code for page in pages}

    assert statuses == {200}
    assert (AuditEvent.objects.count(), Transfer.objects.count(), available(acme)) == before


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_the_database_little(acme, there, django_assert_max_num_queries, name):
    client = member(there)
    page = address(name, acme, there.made, acme.key.public_id)
    client.get(page)  # loaded once a process

    with django_assert_max_num_queries(12):  # including the session's and the user's
        answer = client.get(page)

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_a_role_is_shown_no_page_or_action_that_it_lacks(acme, there):
    shown = {
        role: member(there, role).get(address("overview", acme)).content.decode()
        for role in EVERYBODY
    }

    linked = ("playground", "generations", "keys", "webhooks", "billing", "audit", "settings")
    assert {
        (role, name)
        for role, html in shown.items()
        for name in linked
        if f'href="{address(name, acme)}"' in html
    } == {(role, name) for name in linked for role in MAY[name]}
    page = address("generation", acme, there.made)
    detail = member(there, "viewer").get(page).content.decode()
    assert "Delete images" not in detail


def test_a_member_opens_only_so_many_pages_a_minute(acme, sign_in, monkeypatch):
    monkeypatch.setattr("accounts.rates.buckets.PAGES_OF_PERSON", 2)
    client = sign_in(acme, email="busy@example.com")

    answers = [client.get(address("overview", acme)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) > 0
    assert "Too many requests" in answers[2].content.decode()


def test_pictures_do_not_count_as_pages(acme, delivered, sign_in, monkeypatch):
    """A list loads a picture for each row: a few lists would use up a minute's pages."""
    monkeypatch.setattr("accounts.rates.buckets.PAGES_OF_PERSON", 1)
    made = delivered(acme).public_id
    client = sign_in(acme, email="busy@example.com")

    pictures = [client.get(address("thumbnail", acme, made)) for _ in range(4)]
    page = client.get(address("overview", acme))

    assert {answer.status_code for answer in pictures} == {302}
    assert page.status_code == 200


def test_a_member_loads_only_so_many_pictures_a_minute(acme, delivered, sign_in, monkeypatch):
    monkeypatch.setattr("accounts.rates.buckets.PICTURES_OF_PERSON", 2)
    made = delivered(acme).public_id
    client = sign_in(acme, email="busy@example.com")

    answers = [client.get(address("thumbnail", acme, made)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [302, 302, 429]


def test_thumbnails_that_are_not_made_yet_have_a_limit_of_their_own(
    acme, delivered, sign_in, monkeypatch
):
    monkeypatch.setattr("accounts.rates.buckets.NEW_PICTURES_OF_PERSON", 1)
    ready, new, more = (delivered(acme) for _ in range(3))
    StoredImage.objects.filter(generation_id=ready.id).update(has_thumbnail=True)
    client = sign_in(acme, email="busy@example.com")

    answers = [client.get(address("thumbnail", acme, one.public_id)) for one in (new, ready, more)]

    assert [answer.status_code for answer in answers] == [302, 302, 429]
    assert int(answers[2]["Retry-After"]) > 0


def test_a_browser_keeps_the_way_to_a_picture_and_no_page(acme, delivered, sign_in):
    made = delivered(acme)
    client = sign_in(acme, email="busy@example.com")

    kept = []
    for is_there in (False, True):
        StoredImage.objects.filter(generation_id=made.id).update(has_thumbnail=is_there)
        kept.append(client.get(address("thumbnail", acme, made.public_id)))
    page = client.get(address("overview", acme))

    assert "no-store" in kept[0]["Cache-Control"]  # a thumbnail could not be made: the image itself
    assert sorted(kept[1]["Cache-Control"].split(", ")) == ["max-age=1800", "private"]
    assert "Cookie" in kept[1]["Vary"]
    assert "no-store" in page["Cache-Control"]


def test_the_way_to_a_picture_is_not_kept_for_longer_than_its_url(
    acme, delivered, sign_in, monkeypatch
):
    monkeypatch.setattr("console.parts.thumbnails.url_seconds", lambda: 300)
    made = delivered(acme)
    StoredImage.objects.filter(generation_id=made.id).update(has_thumbnail=True)

    answer = sign_in(acme, email="busy@example.com").get(address("thumbnail", acme, made.public_id))

    assert "max-age=150" in answer["Cache-Control"]


def test_the_only_workspace_is_opened_at_once(acme, other, sign_in):
    client = sign_in(acme, email="ann@example.com")
    assert client.get("/console/")["Location"] == address("overview", acme)

    sign_in(other, "viewer", email="ann@example.com")

    page = client.get("/console/").content.decode()
    assert address("overview", acme) in page
    assert address("overview", other) in page


def test_reading_goes_on_without_a_balance(sign_in, channel):
    poor = PayingCustomer("poor", balance=0)
    client = sign_in(poor)

    page = client.get(address("usage", poor))

    assert page.status_code == 200
    assert "The balance is used up" in page.content.decode()


def test_a_part_of_a_page_leads_the_whole_page_to_the_sign_in(acme, client):
    page = address("generations", acme)

    answer = client.get(
        page,
        headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}?status=failed"},
    )
    elsewhere = client.get(
        page, headers={"HX-Request": "true", "HX-Current-URL": "https://evil.example/x"}
    )

    assert answer.status_code == 401
    assert answer["HX-Redirect"] == f"/accounts/login/?next={page}%3Fstatus%3Dfailed"
    assert elsewhere["HX-Redirect"] == "/accounts/login/?next=/x"


def test_a_part_that_does_not_say_of_which_page_is_no_error(acme, client):
    answer = client.get(
        address("generations", acme), headers={"HX-Request": "true", "HX-Current-URL": "http://["}
    )

    assert answer.status_code == 401


def test_a_cookie_that_is_no_session_is_none(acme, client):
    answer = client.get(address("overview", acme), headers={"Cookie": 'sessionid="\\000aaaaaaaa"'})

    assert answer.status_code == 302
