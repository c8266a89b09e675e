"""`manage.py generation show` of any id: its state and its tenant."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import Membership, User
from billing.models import Transfer
from generation.background.refusals import caller_at, insert
from generation.models import Attempt, Channel, RefusedRequest
from pictor.kit.endpoints.refused import Refused
from pictor.kit.words import clock, ids
from tests.generation.commands.conftest import NOW, CommandCustomer

pytestmark = pytest.mark.django_db

UNKNOWN_KEY = "Incorrect API key provided. Check that it is complete and belongs to this service."


@pytest.fixture
def show(manage):
    """Run the command and return its JSON."""
    return lambda text: json.loads(manage("generation", "show", text, "--json").out)


@pytest.fixture
def made(acme):
    """A generation that succeeded, with an image and an attempt."""
    generation = acme.admit(5_880)
    acme.end(generation, "succeeded", 5_880)
    channel = Channel.objects.create(name="vendor", kind="openai", base_url="https://a.example/v1")
    Attempt.objects.create(
        generation=generation, dispatch=1, number=1, channel=channel, upstream_model="gpt-image-2",
        attempt_class="delivered", upstream_request_id="req_4fa1b2c3",
    )  # fmt: skip
    return generation


def refuse(customer: CommandCustomer | None = None, **facts: Any) -> str:
    """Write a refusal down; return its request's id."""
    request = ids.public(ids.REQUEST, ids.new_uuid())
    whose = {} if customer is None else {
        "tenant": customer.tenant.public_id, "key": customer.key.public_id,
    }  # fmt: skip
    given = {"address": "203.0.113.9", "status": 429, "ms": 4, **whose, **facts}
    insert([Refused(request=request, **given)], now=clock.now())
    return request


def test_a_refused_request_is_told_with_its_limit_and_the_callers_last(manage, acme, show):
    first = refuse(acme, code="invalid_value", status=400, param="n", message="n must be 1.")
    last = refuse(
        acme, code="rate_limit_exceeded", message="Rate limit reached.", model="gpt-image-2",
        limit="requests of this workspace",
    )  # fmt: skip

    found = show(last)

    assert found["refused"] == {
        "request": last, "at": found["refused"]["at"],
        "status": 429, "code": "rate_limit_exceeded", "param": "", "message": "Rate limit reached.",
        "limit": "requests of this workspace", "model": "gpt-image-2",
        "tenant_id": acme.tenant.public_id, "key_id": acme.key.public_id,
        "generation_id": None, "ms": 4,
    }  # fmt: skip
    age = clock.now() - datetime.fromisoformat(found["refused"]["at"])
    assert timedelta() <= age < timedelta(minutes=1)
    assert [one["request"] for one in found["refused_lately"]] == [last, first]
    lines = manage("generation", "show", first).out.splitlines()
    assert "message        n must be 1." in lines
    assert "refused_lately: 2" in lines


def test_the_callers_last_20_refusals_are_shown(acme, show):
    requests = [refuse(acme) for _ in range(25)]

    assert len(show(requests[0])["refused_lately"]) == 20


def test_refusals_without_a_key_are_grouped_by_address(acme, show):
    mine = [refuse(message=UNKNOWN_KEY, status=401) for _ in range(2)]
    refuse(address="203.0.113.10")
    refuse(acme)

    lately = show(mine[0])["refused_lately"]

    assert [one["request"] for one in lately] == [mine[1], mine[0]]
    assert RefusedRequest.objects.filter(caller=caller_at("203.0.113.9")).count() == 2


def test_a_replay_is_told_with_what_it_was_answered_with(made, acme, show):
    request = refuse(acme, status=200, generation=made.public_id)

    found = show(request)

    assert found["refused"]["generation_id"] == made.public_id
    assert found["generation"]["id"] == made.public_id


def test_a_generation_is_found_by_whatever_belongs_to_it(made, acme, show):
    image = acme.store(made, 7)
    attempt = Attempt.objects.get(generation=made)
    transfer = Transfer.objects.filter(generation_id=made.id, kind="capture").get()

    by = [image.public_id, str(image.id), "req_4fa1b2c3", str(attempt.id), str(transfer.id)]

    assert [show(text)["generation"]["id"] for text in by] == [made.public_id] * 5
    assert show(str(transfer.id))["transfer"]["kind"] == "capture"
    assert show(str(transfer.id))["transfer"]["tenant"] == "acme"


def test_an_upstream_that_says_one_id_twice_leads_to_both(made, acme, show):
    other = acme.admit(100)
    Attempt.objects.create(
        generation=other, dispatch=1, number=1, channel=Channel.objects.get(),
        upstream_model="gpt-image-2", upstream_request_id="req_4fa1b2c3",
    )  # fmt: skip

    told = show("req_4fa1b2c3")["made"]

    assert [one["generation"] for one in told] == [other.public_id, made.public_id]


def test_keys_and_tenants_are_told_with_what_they_did_last(made, acme, make_customer, show):
    request = refuse(acme)
    refuse(make_customer("orbit"))
    of_key, of_tenant = show(acme.key.public_id), show(acme.tenant.public_id)

    assert (of_key["key"]["tenant"], of_tenant["tenant"]["name"]) == ("acme", "acme")
    lately = [
        (
            [one["generation"] for one in found["made_lately"]],
            [one["request"] for one in found["refused_lately"]],
        )
        for found in (of_key, of_tenant)
    ]
    assert lately == [([made.public_id], [request])] * 2


def test_a_person_is_told_with_their_workspaces(acme, show):
    ann = User.objects.create_user("ann@example.com", password=None)
    Membership.objects.create(user=ann, tenant=acme.tenant, role="owner", created_at=NOW)

    found = show("Ann@Example.com")

    assert found["person"]["email"] == "ann@example.com"
    assert found["workspaces"] == [
        {"tenant": acme.tenant.public_id, "name": "acme", "role": "owner"}
    ]


@pytest.mark.parametrize(
    "text", ["gen_", "7777777", "", "é", "9" * 30, "a@b", "ten_x", "\x00", "\udcff"]
)
def test_an_unknown_id_is_answered_in_one_clear_line(manage, acme, text):
    said = manage("generation", "show", text)

    assert (said.error, said.out) == (f"nothing is known about {text!r}", "")


def test_an_unknown_request_id_is_told_how_long_refusals_are_kept(manage, acme):
    text = ids.public(ids.REQUEST, ids.new_uuid())

    assert manage("generation", "show", text).error == (
        f"nothing is known about {text!r}; refused requests are kept for 7 days, and lost if the"
        " database crashes"
    )
