"""Upstream requests of streaming callers, recorded by a channel without streams."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.customers.customer import GENERATIONS, Customer
from tests.customers.events import COMPLETED, picture_of, streamed_to, types_of
from tests.fakes.recorder import Recorder

pytest_plugins = ("tests.fakes.channel",)


@pytest.mark.parametrize(
    "fields",
    [{"partial_images": 2}, {"stream": True}, {"stream": True, "partial_images": 0}],
)
def test_without_both_fields_the_upstream_is_asked_as_ever(
    customer: Customer, upstream: Recorder, fields: dict[str, Any]
) -> None:
    response = customer.generate("a fox", **fields)

    assert response.status_code == 200, response.text
    assert upstream.only.headers["Accept"] == "application/json"
    assert upstream.only.body == {
        "model": "gpt-image-2-origin",
        "prompt": "a fox",
        "n": 1,
        "size": "1024x1024",
    }


@pytest.fixture(params=["{stream}", "{style,partial_images}"])
def ignoring(
    request: pytest.FixtureRequest, upstream: Recorder, database: "psycopg.Connection[Any]"
) -> Iterator[Recorder]:
    """The channel, set to ignore one of the fields."""
    change = "UPDATE generation_channel SET ignored_fields = %s WHERE name = 'rec'"
    database.execute(change, [request.param])
    yield upstream
    database.execute(change, ["{}"])


def test_a_channel_that_ignores_streams_gets_a_plain_call(
    customer: Customer, ignoring: Recorder
) -> None:
    events = list(streamed_to(customer, "a fox", partial_images=2))

    assert types_of(events) == [COMPLETED]
    assert ignoring.only.body.keys() == {"model", "prompt", "n", "size", "quality"}
    assert ignored_in(customer) == ["partial_images"]


def test_an_upstream_that_answers_without_a_stream_is_understood(
    customer: Customer, upstream: Recorder
) -> None:
    events = list(streamed_to(customer, "a fox", partial_images=2))

    assert types_of(events) == [COMPLETED]
    assert picture_of(events[0][1]) == ("PNG", (1024, 1024))
    assert (upstream.only.body["stream"], upstream.only.body["partial_images"]) == (True, 2)
    assert upstream.only.headers["Accept"] == "text/event-stream, application/json"
    assert ignored_in(customer) == ["partial_images"]
    assert customer.captures() == [5_880]


def ignored_in(customer: Customer) -> list[str]:
    """Fields reported as ignored by the last generation."""
    (generation,) = customer.client.get(GENERATIONS).json()["data"]
    ignored: list[str] = generation["result"]["metadata"]["ignored"]
    return ignored
