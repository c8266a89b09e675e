"""The operator's search box: pages of their role, and channels."""

import re
from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts.models import Tenant, User
from accounts.services.office.tenants import create_tenant
from billing.services.office.price_lists import create_price_list
from billing.services.office.prices import draft_price_book
from pictor.kit.words import clock
from tests.making.factories import make_channel
from tests.making.seeds import sow


def places_found(client: Client, text: str) -> list[str]:
    page = client.get("/ops/find/", {"q": text}).getvalue().decode()
    return re.findall(r'<span class="truncate">([^<]+)</span>', page[page.index('id="found"') :])


def test_pages_are_those_of_the_role(owner, client, settings):
    client.force_login(User.objects.create_user("sue@pictor.example", staff_role="support"))

    assert {"Overview", "Channels", "Staff"} <= set(places_found(owner, ""))
    assert {"Overview", "Channels"} <= set(places_found(client, ""))
    assert "Staff" not in places_found(client, "")
    assert places_found(owner, "sTAf") == ["Staff", "Trace of “sTAf”"]


def test_a_channel_is_found_by_its_name_and_opened_at_once(owner):
    sow()
    channel = make_channel(name="acme-openai")

    answer = owner.get("/ops/find/", {"q": "ACME", "go": "1"})

    assert places_found(owner, "acme-o") == ["acme-openai", "Trace of “acme-o”"]
    assert answer["Location"] == f"/ops/channels/{channel.pk}/"


@pytest.mark.parametrize(
    "text",
    [
        "req_01m7xwg3k1f1qtz6c2a9x7n4de",
        "GEN_01m7",
        "ann@acme.example",
        "8123",
        "01a21736-8783-71d7-b0ea-d2d4f01219aa",
    ],
)
def test_an_id_leads_to_what_became_of_it_whatever_is_called_so(owner, text):
    sow()
    make_channel(name=f"by {text.lower()}")

    answer = owner.get("/ops/find/", {"q": f" {text} ", "go": "1"})

    assert answer["Location"] == f"/ops/requests/?{urlencode({'q': text})}"


def test_a_tenant_is_found_by_its_name(owner):
    acme = create_tenant(name="Acme 7", actor="test")

    answer = owner.get("/ops/find/", {"q": "acme", "go": "1"})

    assert answer["Location"] == f"/ops/tenants/{acme.public_id}/"


def test_a_tenant_is_found_by_what_its_members_call_it_where_one_is_called_so(owner):
    acme = create_tenant(name="Acme 7", actor="test")
    Tenant.objects.filter(id=acme.id).update(title="Rabbit Labs")
    page = f"/ops/tenants/{acme.public_id}/"

    assert owner.get("/ops/find/", {"q": "rabbit", "go": "1"})["Location"] == page
    texts = [
        owner.get(path, {"tenant": "Rabbit Labs"}).getvalue().decode()
        for path in ("/ops/generations/", "/ops/requests/", "/ops/margin/")
    ]
    assert ["Tenant: Acme 7" in text for text in texts] == [True, True, True]
    assert ["No tenant has the name" in text for text in texts] == [False, False, False]
    assert "its members call it Rabbit Labs" in owner.get(page).getvalue().decode()

    other = create_tenant(name="Other", actor="test")
    Tenant.objects.filter(id=other.id).update(title="Rabbit Labs")
    text = owner.get("/ops/generations/", {"tenant": "Rabbit Labs"}).getvalue().decode()
    assert "No tenant has the name or id “Rabbit Labs”" in text


@pytest.mark.parametrize("text", ["%", "\0", "x" * 10_000, "'; --", "🦊"])
def test_every_typed_text_is_answered(owner, text):
    answer = owner.get("/ops/find/", {"q": text, "go": "1"})

    assert answer.status_code in {200, 302}


def test_prices_are_found_by_the_names_of_books_and_lists(owner):
    sow()
    shared = create_price_list(name="Resellers", actor="test")
    book = draft_price_book(name="list", effective_from=clock.now(), actor="test")

    answer = owner.get("/ops/find/", {"q": "list:2", "go": "1"})

    assert places_found(owner, "resell") == ["Resellers", "Trace of “resell”"]
    assert places_found(owner, "LIST")[-3:] == ["list:2", "list:1", "Trace of “LIST”"]
    assert places_found(owner, "list:99999999999999999") == ["Trace of “list:99999999999999999”"]
    assert answer["Location"] == f"/ops/prices/{book.pk}/"
    go = owner.get("/ops/find/", {"q": "resell", "go": "1"})
    assert go["Location"] == f"/ops/prices/lists/{shared.id}/"
