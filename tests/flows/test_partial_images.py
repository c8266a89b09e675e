"""`stream: true` with `partial_images`, through the whole stack and the sandbox's real stream."""

from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import httpx
import openai
import psycopg
import pytest

from tests.customers.customer import Customer
from tests.customers.events import COMPLETED, PARTIAL, picture_of, streamed_to, types_of
from tests.flows.remains import names_beside
from tests.stack.servers import Stack

MODEL = "gpt-image-2-origin"
PRICE_OF_LOW = 5_880
HELD = "a fox [sandbox: delay=180]"
"""Delayed by a third before each of three events, unless a test ends the delay."""


@pytest.mark.usefixtures("sound_ledger")
def test_partial_images_arrive_before_the_image_is_finished(
    customer: Customer, sandbox: httpx.Client
) -> None:
    events, states = [], []
    stream = streamed_to(customer, HELD, partial_images=2, size="1536x1024")
    with ThreadPoolExecutor(1) as pool:
        for _ in range(3):
            coming = pool.submit(next, stream)
            while not coming.done():
                if sandbox.post("/__delays/end").json()["ended"]:
                    wait({coming}, timeout=10)
            events.append(coming.result())
            states.append(customer.states())
    assert list(stream) == []

    first, second, last = [data for _, data in events]
    assert types_of(events) == [PARTIAL, PARTIAL, COMPLETED]
    assert states == [{"running": 1}, {"running": 1}, {"succeeded": 1}]
    assert [first["partial_image_index"], second["partial_image_index"]] == [0, 1]
    assert [picture_of(data) for _, data in events] == [("PNG", (1536, 1024))] * 3
    assert first.keys() == {
        *("type", "b64_json", "created_at", "size", "quality", "background", "output_format"),
        "partial_image_index",
    }
    assert (first["type"], first["size"], first["quality"]) == (PARTIAL, "1536x1024", "low")
    assert (first["background"], first["output_format"]) == ("auto", "png")
    assert first["b64_json"] != second["b64_json"] != last["b64_json"]
    assert last["usage"]["output_tokens"] == 158
    assert customer.captures() == [4_740]


@pytest.mark.parametrize("prefer", ["respond-async", "wait=60"])
def test_an_answer_without_events_has_no_partial_images_made(
    customer: Customer, database: "psycopg.Connection[Any]", prefer: str
) -> None:
    answer = customer.generate(
        "a fox", quality="low", stream=True, partial_images=2, headers={"Prefer": prefer}
    )

    path = f"/v1/images/generations/{answer.headers['x-pictor-generation-id']}"
    while customer.client.get(path).json()["status"] in {"queued", "running"}:
        pass
    metadata = customer.client.get(path).json()["result"]["metadata"]
    assert metadata["ignored"] == []
    asked = database.execute(
        "SELECT partial_images FROM generation_generation AS g"
        " JOIN accounts_tenant AS t ON t.id = g.tenant_id WHERE t.name = %s",
        [customer.name],
    ).fetchall()
    assert asked == [(0,)]


@pytest.mark.usefixtures("sound_ledger")
def test_two_images_have_two_partial_images_each(customer: Customer) -> None:
    events = list(streamed_to(customer, "a fox", partial_images=2, n=2))

    partials = [data["partial_image_index"] for name, data in events if name == PARTIAL]
    usages = [data["usage"] for name, data in events if name == COMPLETED]
    assert types_of(events) == [PARTIAL] * 4 + [COMPLETED] * 2
    assert partials == [0, 1, 0, 1]
    assert [usage["output_tokens"] for usage in usages] == [196, 196]
    assert customer.captures() == [2 * PRICE_OF_LOW]


@pytest.mark.parametrize(
    ("output_format", "name"), [("jpeg", "JPEG"), ("webp", "WEBP"), ("png", "PNG")]
)
def test_partial_images_have_the_format_asked_for(
    customer: Customer, output_format: str, name: str
) -> None:
    events = list(streamed_to(customer, "a fox", partial_images=1, output_format=output_format))

    assert types_of(events) == [PARTIAL, COMPLETED]
    assert [picture_of(data) for _, data in events] == [(name, (1024, 1024))] * 2
    assert [data["output_format"] for _, data in events] == [output_format] * 2


def test_the_sdk_gets_typed_events(customer: Customer) -> None:
    with openai.OpenAI(
        base_url=f"{customer.stack.base_url}/v1",
        api_key=customer.api_key,
        http_client=openai.DefaultHttpxClient(trust_env=False),
    ) as client:
        first, second, last = client.images.generate(
            model=MODEL, prompt="a fox", stream=True, partial_images=2
        )

    assert isinstance(first, openai.types.ImageGenPartialImageEvent)
    assert isinstance(second, openai.types.ImageGenPartialImageEvent)
    assert isinstance(last, openai.types.ImageGenCompletedEvent)
    assert (first.partial_image_index, second.partial_image_index) == (0, 1)
    assert (first.size, first.output_format, first.background) == ("1024x1024", "png", "auto")
    assert (first.quality, last.quality) == ("medium", "medium")
    assert last.usage.output_tokens == 1756


@pytest.mark.usefixtures("sound_ledger")
def test_a_failure_in_the_middle_is_an_error_event_and_free(
    customer: Customer, sandbox: httpx.Client
) -> None:
    prompt = "a fox [sandbox: delay=1 fail=reset]"
    events = list(streamed_to(customer, prompt, partial_images=2))

    assert types_of(events) == [PARTIAL, PARTIAL, "error"]
    assert events[-1][1]["error"]["code"] == "upstream_error"
    assert customer.balance() == (10_000_000, 0)
    assert customer.states() == {"failed": 1}
    assert sandbox.get("/__stats").json()["requests"] == 1


def test_a_replay_has_completed_events_only(customer: Customer, sandbox: httpx.Client) -> None:
    key = {"Idempotency-Key": "the-same"}
    first = list(streamed_to(customer, "a fox", partial_images=1, headers=key))
    second = list(streamed_to(customer, "a fox", partial_images=1, headers=key))

    assert types_of(first) == [PARTIAL, COMPLETED]
    assert second == first[1:]
    assert customer.captures() == [PRICE_OF_LOW]
    assert sandbox.get("/__stats").json()["requests"] == 1


def test_a_deleted_generation_leaves_no_partial_image(customer: Customer, stack: Stack) -> None:
    events = list(streamed_to(customer, "a fox", partial_images=2))
    (made,) = customer.client.get("/v1/images/generations").json()["data"]
    url = made["result"]["data"][0]["url"]
    before = names_beside(stack, url)

    deleted = customer.client.delete(f"/v1/images/generations/{made['id']}")

    assert types_of(events) == [PARTIAL, PARTIAL, COMPLETED]
    assert deleted.status_code == 200, deleted.text
    assert len(before) == 3
    assert names_beside(stack, url) == set()
