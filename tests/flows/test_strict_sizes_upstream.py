"""`strict_size` with several channels: one that records, and the sandbox behind it."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.customers.customer import Customer, Operator
from tests.customers.events import streamed_to
from tests.fakes.recorder import Recorder

pytest_plugins = ("tests.fakes.channel",)


@pytest.fixture
def first(upstream: Recorder, operator: Operator) -> Iterator[Recorder]:
    """The channel tried first; known sizes of both are forgotten before and after the test."""
    for name in ("rec", "sandbox"):
        operator("channel", "reset", name)
    yield upstream
    operator("channel", "reset", "rec")


def test_an_upstream_is_not_asked_for_partial_images_that_nobody_may_see(
    customer: Customer, first: Recorder
) -> None:
    for _ in range(2):
        list(streamed_to(customer, "a fox", partial_images=2, strict_size=True))

    asked = [request.body.get("partial_images") for request in first.requests]
    assert asked == [None, 2]


def test_the_next_channel_makes_what_the_first_delivered_wrong(
    customer: Customer, first: Recorder
) -> None:
    first.size = (512, 512)

    answers = [customer.generate("a fox", strict_size=True).status_code for _ in range(3)]
    any_size = customer.generate("a fox").json()["metadata"]["delivered_sizes"]

    assert (answers, any_size) == ([502, 200, 200], ["512x512"])
    assert len(first.requests) == 2


@pytest.fixture
def free_retries(first: Recorder, database: "psycopg.Connection[Any]") -> Iterator[Recorder]:
    """The channel, set so that bad results cost nothing."""
    change = "UPDATE generation_channel SET retry_is_free = %s WHERE name = 'rec'"
    database.execute(change, [True])
    yield first
    database.execute(change, [False])


def test_an_image_of_another_size_was_paid_and_is_not_asked_for_again(
    customer: Customer, free_retries: Recorder
) -> None:
    free_retries.size = (512, 512)

    refused = customer.generate("a fox", strict_size=True)

    assert refused.status_code == 502
    assert len(free_retries.requests) == 1
