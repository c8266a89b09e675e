"""The search box: pages by role, keys, a generation by id; no other tenant's objects."""

import re

from generation.background.refusals import insert
from generation.models import Generation
from pictor.kit.endpoints.refused import Refused
from pictor.kit.words import clock
from pictor.kit.words.ids import REQUEST, new_uuid, public
from tests.console.answers import words_of
from tests.console.workspace.conftest import SignIn, url
from tests.making.factories import PayingCustomer


def places_found(
    sign_in: SignIn, customer: PayingCustomer, text: str, role: str = "owner"
) -> list[str]:
    page = words_of(sign_in(customer, role).get(url("find", customer), {"q": text}))
    return re.findall(r'<span class="truncate">([^<]+)</span>', page[page.index('id="found"') :])


def test_pages_are_those_of_the_role(acme, sign_in):
    assert places_found(sign_in, acme, "") == [
        "Overview", "Playground", "Generations", "Keys", "Webhooks", "Usage", "Billing", "Ledger",
        "Statements", "Prices", "Members", "Audit log", "Settings", "Create key",
    ]  # fmt: skip
    assert places_found(sign_in, acme, "", "billing") == [
        "Overview", "Usage", "Billing", "Ledger", "Statements", "Prices",
    ]  # fmt: skip
    assert places_found(sign_in, acme, "SET", "viewer") == ["Generations with “SET”"]


def test_keys_are_found_by_name_and_by_their_first_characters(acme, other, sign_in):
    prefix = acme.key.visible_prefix

    assert places_found(sign_in, acme, "acm") == ["acme", "Generations with “acm”"]
    assert places_found(sign_in, acme, prefix)[0] == "acme"
    assert places_found(sign_in, acme, acme.key.public_id)[0] == "acme"
    # of another tenant
    assert places_found(sign_in, acme, "acm", "developer") == ["Generations with “acm”"]
    assert places_found(sign_in, acme, other.key.public_id, "billing") == []


def test_a_generation_is_found_by_its_id_in_its_own_workspace(acme, other, sign_in, delivered):
    mine, theirs = delivered(acme, prompt="a red fox"), delivered(other, prompt="a blue heron")

    assert places_found(sign_in, acme, mine.public_id)[0] == "a red fox"
    assert places_found(sign_in, acme, theirs.public_id) == [
        f"Generations with “{theirs.public_id}”"
    ]
    assert places_found(sign_in, acme, mine.public_id, "billing") == []


def test_the_first_is_opened_at_once_when_one_says_so(acme, sign_in, delivered):
    client, made = sign_in(acme), delivered(acme)

    answer = client.get(url("find", acme), {"q": made.public_id, "go": "1"})
    looked_up = client.get(
        url("find", acme), {"q": made.public_id, "go": "1"}, headers={"HX-Request": "true"}
    )
    nothing = sign_in(acme, "billing").get(url("find", acme), {"q": "heron", "go": "1"})

    assert answer["Location"] == url("generation", acme, made.public_id)
    assert (looked_up.status_code, nothing.status_code) == (200, 200)
    assert "Nothing matches “heron”." in words_of(nothing)


def test_a_generation_is_found_by_its_request_in_its_own_workspace(acme, other, sign_in, delivered):
    made = delivered(acme, prompt="a red fox")
    request = public(REQUEST, new_uuid())
    Generation.objects.filter(id=made.id).update(request_id=request)

    listed = words_of(sign_in(acme).get(url("generations", acme), {"q": request}))

    assert places_found(sign_in, acme, request)[0] == "a red fox"
    assert places_found(sign_in, other, request) == [f"Generations with “{request}”"]
    assert "a red fox" in listed


def test_the_request_of_a_retry_finds_what_it_was_answered_with(acme, other, sign_in, delivered):
    made, retry = delivered(acme, prompt="a red fox"), public(REQUEST, new_uuid())
    replayed = Refused(
        request=retry,
        address="203.0.113.9",
        status=200,
        ms=4,
        tenant=acme.tenant.public_id,
        generation=made.public_id,
    )
    insert([replayed], now=clock.now())

    assert places_found(sign_in, acme, retry)[0] == "a red fox"
    assert places_found(sign_in, other, retry) == [f"Generations with “{retry}”"]
