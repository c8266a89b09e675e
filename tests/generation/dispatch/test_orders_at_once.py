"""Several orders of one request are under way at once only as far as the channel's cap allows."""

import asyncio
import base64
import json

import pytest

from generation.dispatch.channel_health import Health
from generation.models import Channel, Route
from pictor.kit.words.ids import new_uuid
from storage.models import StoredImage
from tests.fakes.raw_server import Received, says
from tests.generation.dispatch.carrying import ONE_IMAGE, carried, png
from tests.making.factories import route_info

ALICE, BOB = new_uuid(), new_uuid()
PICTURE = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(png()).decode()}}
ANSWER = json.dumps(
    {"candidates": [{"content": {"parts": [PICTURE]}, "finishReason": "STOP"}]}
).encode()


@pytest.mark.parametrize(
    ("cap", "taken", "orders", "places"),
    [(None, 9, 3, 3), (None, 0, 10, 4), (6, 0, 10, 4), (5, 3, 3, 2), (5, 4, 10, 1), (5, 1, 1, 1)],
)
def test_a_call_takes_as_many_places_as_are_free_below_the_cap(cap, taken, orders, places):
    health, route = Health(), route_info(max_concurrency=cap)
    for _ in range(taken):
        health.started(route, tenant=BOB)
    call = health.started(route, tenant=ALICE)

    health.widen(call, orders)

    assert call.places == places
    assert health.is_full(route) is (taken + places == cap)
    assert health.in_flight(route, tenant=ALICE) == places
    health.ended(call, failed_as=None, retry_after=None, now=1)
    assert (health.in_flight(route, tenant=ALICE), health.is_full(route)) == (0, False)


@pytest.mark.usefixtures("channel", "pooled_connections")
@pytest.mark.parametrize(("cap", "at_once"), [(1, 1), (2, 2), (None, 4)])
def test_orders_of_one_attempt_count_against_the_cap(acme, tmp_path, cap, at_once):
    Channel.objects.update(kind="gemini", max_concurrency=cap)
    Route.objects.update(upstream_model="gemini-3-pro-image")
    made = acme.generation(n=4)
    under_way, most, all_there = set(), [], asyncio.Barrier(at_once)

    async def answers(request: Received, writer: asyncio.StreamWriter) -> None:
        under_way.add(writer)
        most.append(len(under_way))
        await all_there.wait()
        under_way.discard(writer)
        await says(ANSWER)(request, writer)

    carried(made, tmp_path, scripts={"one": answers})

    assert (made.state, len(most), max(most)) == ("succeeded", 4, at_once)


@pytest.mark.usefixtures("channel", "pooled_connections")
@pytest.mark.parametrize(
    ("account", "orders", "cost_micros"),
    [
        ({"max_n": "1"}, [1, 1, 1, 1], 40_000),
        ({"max_n": "3"}, [1, 3], 20_000),
        ({}, [4], 10_000),
    ],
    ids=["one of each", "three of each", "all of one"],
)
def test_a_relay_that_makes_one_image_gets_several_orders(
    acme, tmp_path, account, orders, cost_micros
):
    Channel.objects.update(settings=account)
    Route.objects.update(cost_micros=10_000)
    made, ordered = acme.generation(n=4), []

    async def answers(request: Received, writer: asyncio.StreamWriter) -> None:
        ordered.append(json.loads(request.body)["n"])
        await says(ONE_IMAGE)(request, writer)

    carried(made, tmp_path, scripts={"one": answers})

    [attempt] = made.attempts.all()
    assert (made.state, sorted(ordered)) == ("succeeded", orders)
    assert (StoredImage.objects.filter(generation_id=made.id).count(), attempt.cost_micros) == (
        len(orders),
        cost_micros,
    )
