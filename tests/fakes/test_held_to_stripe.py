import json
from typing import Any

import pytest
import stripe
from stripe.params import InvoiceItemCreateParams, RefundCreateParams
from stripe.params.checkout import SessionCreateParams

from sandbox.stripe.objects import make
from tests.fakes.held_to_stripe import check_object, check_params

PRICE = {"currency": "usd", "unit_amount": 2000, "product_data": {"name": "Balance"}}
SESSION: dict[str, Any] = {
    "mode": "payment",
    "customer": "cus_1",
    "line_items": [{"quantity": 1, "price_data": PRICE}],
    "metadata": {"anything": "goes"},
    "allowed_payment_method_types": ["card"],
    "payment_intent_data": {"setup_future_usage": "off_session"},
    "idempotency_key": "k",
}


def test_parameters_of_the_library_pass():
    check_params(SessionCreateParams, SESSION)
    check_params(RefundCreateParams, {"amount": 5, "metadata": {"m": "1"}, "reason": "duplicate"})
    check_params(InvoiceItemCreateParams, {"amount": 5, "tax_code": "txcd_10000000"})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"payment_method_types": ["card"]}, "no parameter payment_method_types"),
        ({"mode": "gift"}, "'gift' is not one of"),
        ({"customer": 5}, "5 is not"),
        ({"line_items": [{"quantity": "1"}]}, r"line_items\[0\].quantity"),
        ({"line_items": [{"price_data": {"unit_amount": 1}}]}, "currency is missing"),
        ({"allowed_payment_method_types": ["gold"]}, "'gold' is not one of"),
        ({"payment_intent_data": {"setup_future_usage": "never"}}, "'never' is not one of"),
    ],
)
def test_what_is_no_parameter_or_no_value_fails(wrong, said):
    with pytest.raises(AssertionError, match=said):
        check_params(SessionCreateParams, {**SESSION, **wrong})


@pytest.fixture
def charge():
    about = {"amount": 5, "currency": "usd", "created": 1, "metadata": {}, "paid": True}
    nobody = dict.fromkeys(("address", "email", "name", "phone", "tax_id"))
    charge = make("charge", {}) | {"status": "succeeded", "billing_details": nobody} | about
    return json.loads(json.dumps(charge))


def test_an_object_of_its_class_passes(charge):
    check_object(stripe.Charge, charge)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"invoice": "in_1"}, "no field invoice"),
        ({"amount": "5"}, "'5' is not"),
        ({"status": "done"}, "'done' is not one of"),
        ({"customer": {"object": "refund"}}, "Refund is not Customer"),
        ({"outcome": {"type": "authorized", "mood": "good"}}, "no field mood"),
        ({"amount": None}, "amount"),
    ],
)
def test_a_field_that_is_not_of_the_class_fails(charge, wrong, said):
    with pytest.raises(AssertionError, match=said):
        check_object(stripe.Charge, {**charge, **wrong})


def test_a_field_that_is_always_there_may_not_be_missing(charge):
    del charge["captured"]

    with pytest.raises(AssertionError, match="captured is missing"):
        check_object(stripe.Charge, charge)
