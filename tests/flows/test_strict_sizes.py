"""`strict_size`: we pay for images of another size, so channels known to give one are avoided."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.customers.customer import Customer, Operator
from tests.customers.events import COMPLETED, PARTIAL, streamed_to, types_of

OPENING = (10_000_000, 0)
WRONG = "a fox [sandbox: size=3840x2160]"
CANNOT_NOW = (
    "The last image of this size was delivered in another one, which `strict_size` does not allow:"
    " no channel was called. You were not charged."
)


@pytest.fixture
def unknown(operator: Operator) -> Iterator[None]:
    """Forget the sandbox's known sizes before and after the test."""
    operator("channel", "reset", "sandbox")
    yield
    operator("channel", "reset", "sandbox")


def said_in(response: httpx.Response) -> tuple[int, str, str | None]:
    return (
        response.status_code,
        response.json()["error"]["code"],
        response.headers.get("x-should-retry"),
    )


@pytest.mark.usefixtures("unknown", "sound_ledger")
def test_images_of_another_size_are_not_had_for_nothing_as_partial_ones(
    customer: Customer, sandbox: httpx.Client
) -> None:
    events = [
        event
        for _ in range(5)
        for event in streamed_to(customer, WRONG, partial_images=3, strict_size=True)
    ]

    assert types_of(events) == ["error"] * 5
    codes = [data["error"]["code"] for _, data in events]
    assert codes == ["upstream_error", *["no_channel_available"] * 4]
    assert sandbox.get("/__stats").json()["requests"] == 1
    assert customer.balance() == OPENING


@pytest.mark.usefixtures("unknown")
def test_partial_images_of_a_strict_size_come_where_the_last_image_had_it(
    customer: Customer,
) -> None:
    strict: dict[str, Any] = {"partial_images": 2, "strict_size": True}

    asked = [list(streamed_to(customer, "a fox", **strict)) for _ in range(2)]
    other_size = list(streamed_to(customer, "a fox", **strict, size="1536x1024"))

    assert [types_of(events) for events in asked] == [[COMPLETED], [PARTIAL, PARTIAL, COMPLETED]]
    assert types_of(other_size) == [COMPLETED]


@pytest.mark.usefixtures("unknown")
@pytest.mark.parametrize(
    "fields", [{}, {"strict_size": True, "model": "gpt-image-2", "size": "auto"}], ids=str
)
def test_partial_images_of_what_has_no_strict_size_come_as_ever(
    customer: Customer, fields: dict[str, Any]
) -> None:
    events = list(streamed_to(customer, "a fox", partial_images=2, **fields))

    assert types_of(events) == [PARTIAL, PARTIAL, COMPLETED]


def test_after_one_wrong_size_nobody_is_called_for_a_strict_one(
    customer: Customer, sandbox: httpx.Client, unknown: None
) -> None:
    wrong = customer.generate(WRONG, strict_size=True)
    without_a_call = customer.generate("a fox", strict_size=True)

    assert said_in(wrong) == (502, "upstream_error", "false")
    assert said_in(without_a_call) == (503, "no_channel_available", "false")
    assert without_a_call.json()["error"]["message"] == CANNOT_NOW
    assert sandbox.get("/__stats").json()["requests"] == 1
    assert customer.balance() == OPENING


@pytest.mark.usefixtures("unknown")
def test_another_size_and_another_model_are_still_called(customer: Customer) -> None:
    customer.generate(WRONG, strict_size=True)

    other_size = customer.generate("a fox", strict_size=True, size="1536x1024")
    other_model = customer.generate("a fox", strict_size=True, model="gpt-image-2")

    assert (other_size.status_code, other_model.status_code) == (200, 200)


@pytest.mark.usefixtures("unknown")
def test_a_request_for_any_size_tries_the_avoided_channel_for_strict_ones(
    customer: Customer,
) -> None:
    customer.generate(WRONG, strict_size=True)

    paid = customer.generate("a fox", quality="low")
    strict = customer.generate("a fox", quality="low", strict_size=True)

    assert (paid.status_code, strict.status_code) == (200, 200)
    assert customer.captures() == [5_880, 5_880]


@pytest.mark.usefixtures("unknown")
def test_a_test_costs_nothing_and_says_nothing_about_a_size(
    customer: Customer, operator: Operator
) -> None:
    made = operator("key", "create", customer.name, "--test", "--json")
    with closing(customer.with_key(made)) as tester:
        wrong = [tester.generate(WRONG, strict_size=True).status_code for _ in range(2)]
    live = customer.generate("a fox", strict_size=True).status_code

    assert (wrong, live) == ([502, 502], 200)


def test_a_reset_lets_strict_sizes_through_again(
    customer: Customer, operator: Operator, unknown: None
) -> None:
    customer.generate(WRONG, strict_size=True)
    operator("channel", "reset", "sandbox")

    assert customer.generate("a fox", strict_size=True).status_code == 200
