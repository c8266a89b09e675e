"""How the sandbox's Stripe is called: keys, idempotency, pages of lists, bad days, the webhook."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe
from stripe._object_classes import get_object_class

from pictor.embedded.ports import free_port
from tests.fakes.held_to_stripe import check_object
from tests.fakes.hooks import listening
from tests.stack.stack_processes import until

PATH = "POST /v1/refunds"


@pytest.fixture
def intent(shop):
    return shop.paid(2000).payment_intent.id


@pytest.fixture
def refund(shop, intent):
    def create(key, amount=500):
        params = {"payment_intent": intent, "amount": amount}
        return shop.api.v1.refunds.create(params, {"idempotency_key": f"{intent}-{key}"})

    return create


@pytest.fixture
def refunds(shop, intent):
    return lambda: len(shop.api.v1.refunds.list({"payment_intent": intent}).data)


@pytest.mark.parametrize("key", ["sk_live_x", "pk_test_x", "wrong"])
def test_only_secret_test_keys_are_known(shop, key):
    answer = shop.http.get("/v1/events", headers={"Authorization": f"Bearer {key}"})

    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")


def test_another_version_of_the_api_is_refused(shop):
    with pytest.raises(stripe.InvalidRequestError, match="Invalid Stripe API version"):
        shop.api.v1.events.list(options={"stripe_version": "2024-06-20"})


def test_a_key_repeats_its_answer(refund, refunds):
    first, second = refund("a"), refund("a")

    assert (first.id, refunds()) == (second.id, 1)
    assert "idempotent-replayed" not in first.last_response.headers
    assert second.last_response.headers["idempotent-replayed"] == "true"


def test_a_key_with_other_parameters_is_an_error(refund):
    refund("a")

    with pytest.raises(stripe.IdempotencyError) as refused:
        refund("a", amount=501)

    assert refused.value.http_status == 400


def test_an_error_of_a_parameter_is_not_kept(shop, refund, intent):
    with pytest.raises(stripe.InvalidRequestError):
        refund("a", amount=2001)

    assert refund("a", amount=500).amount == 500


def test_a_key_that_runs_is_in_use(shop, refund):
    shop.bank("trouble", kind="slow", seconds=2, path=PATH)
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(refund, "a") for _ in "12"]

        failed = [each.exception(20) for each in both]

    refused: Any = next(error for error in failed if error is not None)
    assert sum(error is None for error in failed) == 1
    assert (refused.http_status, refused.error.code) == (409, "idempotency_key_in_use")


@pytest.mark.parametrize(("kind", "made"), [("500", 0), ("500_after", 1)])
def test_a_server_error_is_repeated_whether_it_took_effect_or_not(
    shop, refund, refunds, kind, made
):
    shop.bank("trouble", kind=kind, path=PATH)

    for replayed in (None, "true"):
        with pytest.raises(stripe.APIError) as broken:
            refund("a")
        error: Any = broken.value
        assert error.http_status == 500
        assert error.headers.get("idempotent-replayed") == replayed

    assert refunds() == made


@pytest.mark.parametrize(("kind", "replayed"), [("lost", None), ("lost_after", "true")])
def test_a_lost_call_is_repeated_once(shop, refund, refunds, kind, replayed):
    shop.bank("trouble", kind=kind, path=PATH)

    with pytest.raises(stripe.APIConnectionError):
        refund("a")
    again = refund("a")

    assert again.last_response.headers.get("idempotent-replayed") == replayed
    assert refunds() == 1


def test_too_many_requests_are_as_many_as_asked_for(shop, refund):
    shop.bank("trouble", kind="429", next=2, path=PATH)

    for _ in "12":
        with pytest.raises(stripe.RateLimitError):
            refund("a")

    assert refund("a").amount == 500


def test_a_missing_parameter_and_a_missing_object_are_named(shop):
    with pytest.raises(stripe.InvalidRequestError) as missing:
        shop.api.v1.invoices.pay("in_nothing")
    with pytest.raises(stripe.InvalidRequestError) as unsent:
        shop.api.v1.credit_notes.create({})
    with pytest.raises(stripe.InvalidRequestError) as unread:
        shop.api.v1.refunds.create({"charge": "ch_none", "expand": ["nothing"]})

    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    assert (unsent.value.param, unsent.value.code) == ("invoice", "parameter_missing")
    assert unread.value.param == "charge"


def test_expanding_ends_at_four_levels(shop, intent):
    deep = "data.payment_intent.latest_charge.balance_transaction"
    shop.api.v1.checkout.sessions.list({"payment_intent": intent, "expand": [deep]})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.v1.checkout.sessions.list({"expand": [f"{deep}.source"]})

    assert refused.value.param == "expand"


def test_lists_have_pages(shop, intent):
    for amount in (1, 2, 3):
        shop.bank("refund", payment_intent=intent, amount=amount)

    first = shop.api.v1.refunds.list({"payment_intent": intent, "limit": 2})
    rest = shop.api.v1.refunds.list(
        {"payment_intent": intent, "limit": 2, "starting_after": first.data[-1].id}
    )

    assert ([each.amount for each in first.data], first.has_more) == ([3, 2], True)
    assert ([each.amount for each in rest.data], rest.has_more) == ([1], False)


def test_events_are_listed_by_type_and_time_for_thirty_days(shop, intent):
    now = int(time.time())
    types = ["charge.succeeded", "payment_intent.succeeded"]
    found = shop.api.v1.events.list({"types": types, "created": {"gte": now - 60}, "limit": 2})
    later = shop.api.v1.events.list({"created": {"gt": now + 60}, "type": "charge.*"})
    shop.bank("clock", seconds=31 * 24 * 3600)
    old = shop.api.v1.events.list({"type": "charge.*"})
    shop.bank("clock", seconds=-31 * 24 * 3600)

    assert [event.type for event in found.data] == types[::-1]
    assert (later.data, old.data) == ([], [])
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.v1.events.list({"types": ["charge.succeeded"] * 21})


def test_each_event_is_of_its_class(shop, intent):
    shop.bank("dispute", payment_intent=intent)

    page = json.loads(shop.api.v1.events.list({"limit": 10}).last_response.body)

    assert len(page["data"]) == 10
    for event in page["data"]:
        check_object(stripe.Event, event)
        inside = event["data"]["object"]
        check_object(get_object_class("V1", inside["object"]), inside)


def test_the_webhook_is_signed_and_tried_again(shop):
    with listening(free_port()) as hooks:
        hooks.answers = [500]
        shop.bank("webhook", url=hooks.url, secret="whsec_test")
        session = shop.checkout()
        shop.api.v1.checkout.sessions.expire(session.id)
        until(lambda: len(hooks.told) == 2)
        shop.bank("ring", event=hooks.told[0].event["id"])
        until(lambda: len(hooks.told) == 3)
        shop.bank("webhook", url=None)

    first, second, third = (
        stripe.Webhook.construct_event(told.body, told.headers["stripe-signature"], "whsec_test")
        for told in hooks.told
    )
    assert first.type == "checkout.session.expired"
    assert first.data.object["id"] == session.id
    assert first.id == second.id == third.id
    assert shop.api.v1.events.retrieve(first.id).pending_webhooks == 0


def test_the_door_says_what_it_does_not_know(shop):
    assert shop.http.post("/_bank/rob", json={}).status_code == 400
    assert shop.http.post("/_bank/dispute", json={"charge": "ch_none"}).status_code == 400
    assert shop.http.post("/_bank/card", json={}).status_code == 400
    assert shop.http.get("/stripe/pay/cs_test_none").status_code == 404
