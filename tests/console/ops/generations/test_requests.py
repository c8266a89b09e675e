"""The fate of an id, and the list of refused requests."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, User
from accounts.services import By
from accounts.services.office.members import add_member
from accounts.services.office.operator_keys import KeyTerms, issue_operator_key
from billing.models import Transfer
from generation.background.refusals import insert
from generation.oversight.searching import refused
from generation.oversight.searching.refused import RefusalFilter, page_of_refused
from pictor.kit.endpoints.refused import Refused
from pictor.kit.words import clock, ids
from storage.models import StoredImage
from tests.console.answers import lines_of, words_of
from tests.making.factories import PayingCustomer

PAGE = "/ops/requests/"
RATE: Mapping[str, Any] = {
    "status": 429,
    "code": "rate_limit_exceeded",
    "message": "Rate limit reached.",
    "limit": "requests of this workspace",
    "model": "gpt-image-2",
}
BAD: Mapping[str, Any] = {
    "status": 400,
    "code": "invalid_value",
    "param": "n",
    "message": "n must be at most 10.",
}


def refuse(customer: PayingCustomer | None = None, **facts: Any) -> str:
    """Write a refusal down; return its request's id."""
    request = ids.public(ids.REQUEST, ids.new_uuid())
    whose = {} if customer is None else {
        "tenant": customer.tenant.public_id, "key": customer.key.public_id,
    }  # fmt: skip
    given = {"address": "203.0.113.9", "status": 429, "ms": 4, **whose, **facts}
    insert([Refused(request=request, **given)], now=clock.now())
    return request


def listed(client: Any, query: str = "") -> list[str]:
    """The listed ids, in order."""
    page = client.get(PAGE + query).content.decode()
    return [part.partition('"')[0] for part in page.split('<tr id="')[1:]]


@pytest.fixture
def generation(acme, delivered):
    return delivered(acme)


def test_ids_of_a_generation_lead_to_its_page(owner, generation):
    page = f"/ops/generations/{generation.public_id}/"
    image = StoredImage.objects.get(generation_id=generation.id)
    request = ids.public(ids.REQUEST, generation.id)
    type(generation).objects.filter(id=generation.id).update(request_id=request)

    texts = (
        generation.public_id,
        str(generation.id),
        image.public_id,
        request,
        "up-1",
        f" {request} ",
    )
    answers = [owner.get(PAGE, {"q": text}) for text in texts]

    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, page)] * 6


def test_a_retry_leads_to_what_it_was_answered_with(owner, acme, generation):
    retry = refuse(acme, status=200, generation=generation.public_id)

    answer = owner.get(PAGE, {"q": retry}, follow=True)

    assert answer.redirect_chain == [
        (f"/ops/generations/{generation.public_id}/?retry={retry}", 302)
    ]
    assert f"{retry}</code> was a retry" in words_of(answer)


def test_a_refusal_names_the_limit_and_the_callers_last(owner, acme, other):
    first, second = refuse(acme, **BAD), refuse(acme, **RATE)
    strange = refuse(other, **BAD)

    page = words_of(owner.get(PAGE, {"q": second}))

    assert '<dt>Stopped by</dt><dd class="font-medium">requests of this workspace</dd>' in page
    assert "429 <code>rate_limit_exceeded</code>" in page
    assert "Rate limit reached." in page
    assert acme.key.public_id in page
    assert "kept for 7 days, and lost if the database crashes" in page
    assert first in page
    assert strange not in page


def test_a_request_that_nobody_knows_is_said_to_be_kept_for_a_week(owner):
    request = ids.public(ids.REQUEST, ids.new_uuid())

    page = words_of(owner.get(PAGE, {"q": request}))

    assert "Nothing found" in page
    assert "kept for 7 days, and lost if the database crashes" in page
    assert "kept for 7 days" not in words_of(owner.get(PAGE, {"q": "nonsense"}))


def test_a_tenant_a_key_a_person_and_a_transfer_are_told(owner, acme, generation):
    refusal = refuse(acme, **RATE)
    user = User.objects.create_user("ann@acme.example", "correct horse")
    add_member(tenant=acme.tenant, user=user, role=Membership.Role.OWNER, actor="test")
    capture = Transfer.objects.get(generation_id=generation.id, kind="capture")

    found = [
        words_of(owner.get(PAGE, {"q": text}))
        for text in (acme.tenant.public_id, "acme", acme.key.public_id)
    ]

    assert [generation.public_id in page for page in found] == [True, True, True]
    assert [refusal in page for page in found] == [True, True, True]
    assert 'Owner of</dt><dd><a href="?q=' in words_of(owner.get(PAGE, {"q": user.email}))
    transfer = owner.get(PAGE, {"q": str(capture.pk)})
    assert transfer["Location"] == f"/ops/ledger/{capture.pk}/"


def test_a_program_is_told_no_words_of_customers_and_vendors(acme, failed, delivered):
    ann = User.objects.create_user("ann@pictor.example", staff_role="owner")
    terms, now = KeyTerms(["see"], [], [], clock.now() + timedelta(days=1)), clock.now()
    by = By(actor=ann, ip=None)
    _, key = issue_operator_key(name="shop", terms=terms, once=ids.new_uuid(), now=now, by=by)
    made = [failed(acme, prompt="a fox", detail="no fox"), delivered(acme, prompt="a fox")]

    told = [
        Client().get(
            f"/ops/v1/objects/generation/{one.public_id}",
            headers={"Authorization": f"Bearer {key}"},
        )
        for one in made
    ]

    assert [one.json()["generation"]["state"] for one in told] == ["failed", "succeeded"]
    words = "".join(one.content.decode() for one in told)
    assert [word in words for word in ("fox", '"prompt"', '"detail"', '"object_key"')] == [
        False, False, False, False,
    ]  # fmt: skip
    assert '"up-7"' in words


@pytest.mark.parametrize("text", ["\0", "🦊" * 300, "<script>", "gen_", "9" * 30, "' OR 1=1 --"])
def test_every_typed_text_is_answered(owner, text):
    page = owner.get(PAGE, {"q": text})

    assert page.status_code == 200
    assert "<script>" not in page.content.decode()


def test_the_refused_are_listed_newest_first_and_narrowed(owner, acme, other):
    bad, rate, strange = refuse(acme, **BAD), refuse(acme, **RATE), refuse(**RATE)
    test = refuse(acme.tester(), **BAD)
    refuse(acme, status=200, generation=ids.public(ids.GENERATION, ids.new_uuid()))

    assert listed(owner) == [strange, rate, bad]
    assert listed(owner, "?mode=test") == [test]
    assert listed(owner, "?mode=demo") == []
    assert listed(owner, "?tenant=acme") == [rate, bad]
    assert listed(owner, "?tenant=acme&period=24h&code=invalid_value") == [bad]
    assert listed(owner, "?code=invalid_value") == [bad]
    assert listed(owner, "?period=2020-01-01") == []
    assert listed(owner, "?tenant=other") == []


@pytest.mark.parametrize("query", ["?tenant=acme", "?"])
def test_pages_are_by_the_last_row_of_the_one_before(owner, acme, monkeypatch, query):
    generation = [refuse(acme, **BAD) for _ in range(5)]
    monkeypatch.setattr("console.parts.listing.PAGE_ROWS", 2)
    monkeypatch.setattr(refused, "MAX_SCANNED_ROWS", 4)

    assert listed(owner, query) == [generation[4], generation[3]]
    assert listed(owner, f"{query}&after={generation[3]}") == [generation[2], generation[1]]
    assert listed(owner, f"{query}&after={generation[1]}") == [generation[0]]
    assert listed(owner, f"{query}&code=other") == []
    assert f"after={generation[1]}" in owner.get(f"{PAGE}{query}&code=other").content.decode()


def test_the_file_has_the_same_rows(owner, acme):
    refusal = refuse(acme, **RATE)

    (told,) = lines_of(owner.get(f"{PAGE}?format=csv&tenant=acme"))

    assert (told["request"], told["tenant"], told["status"]) == (refusal, "acme", "429")
    assert (told["stopped_by"], told["key_id"]) == (
        "requests of this workspace", acme.key.public_id,
    )  # fmt: skip


def test_the_list_takes_few_queries(owner, acme, generation, django_assert_max_num_queries):
    refusal = refuse(acme, **RATE)
    owner.get(PAGE)
    for query in ("?tenant=acme&code=rate_limit_exceeded", f"?q={refusal}", "?q=acme"):
        with django_assert_max_num_queries(12):
            owner.get(PAGE + query)


@pytest.mark.parametrize("is_of_tenant", [True, False])
def test_rows_are_read_only_by_indexes(acme, is_of_tenant):
    refuse(acme, **RATE)
    with CaptureQueriesContext(connection) as asked:
        page_of_refused(RefusalFilter(tenant_id=acme.id if is_of_tenant else None), limit=50)

    reads = [one for one in asked if "refusedrequest" in one["sql"]]
    assert len(reads) == 3
    for read in reads:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {read['sql']}")
            plan = "\n".join(row[0] for row in cursor)
        assert "Seq Scan on generation_refusedrequest" not in plan
        assert ("refused_of_caller" if is_of_tenant else "generation_refusedrequest_pkey") in plan
