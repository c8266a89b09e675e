"""`stream: true`, as the official SDK reads it and as bytes."""

import base64
import io
import json

import openai
from PIL import Image

from tests.customers.customer import GENERATIONS, Customer


def test_the_sdk_gets_each_image_as_a_completed_event(customer: Customer) -> None:
    with openai.OpenAI(
        base_url=f"{customer.stack.base_url}/v1",
        api_key=customer.api_key,
        http_client=openai.DefaultHttpxClient(trust_env=False),
    ) as client:
        stream = client.images.generate(
            model="gpt-image-2-origin", prompt="a fox", size="1536x1024", n=2, stream=True
        )
        events = list(stream)

    assert [event.type for event in events] == ["image_generation.completed"] * 2
    last = events[-1]
    assert last.type == "image_generation.completed"
    assert Image.open(io.BytesIO(base64.b64decode(last.b64_json))).size == (1536, 1024)
    assert [event.size for event in events] == ["1536x1024"] * 2
    tokens = [e.usage.output_tokens for e in events if e.type == "image_generation.completed"]
    assert tokens == [1372, 1372]
    assert customer.captures() == [2 * 41_160]


def test_a_comment_comes_first_and_the_type_is_an_event_stream(customer: Customer) -> None:
    body = {"model": "gpt-image-2-origin", "prompt": "a fox", "stream": True}

    response = customer.client.post(GENERATIONS, json=body)

    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["cache-control"] == "no-cache, private, no-store"
    assert "content-length" not in response.headers
    assert response.text.startswith(":")


def test_a_refusal_before_admission_is_plain_json(customer: Customer) -> None:
    response = customer.generate("a fox", stream=True, size="1x1")

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_size"


def test_a_failure_after_admission_is_an_error_event(customer: Customer) -> None:
    response = customer.generate("a fox [sandbox: fail=500]", stream=True)

    event, data = response.text.strip().split("\n\n")[-1].split("\n")
    assert event == "event: error"
    assert json.loads(data.removeprefix("data: "))["error"]["code"] == "upstream_error"
    assert customer.balance() == (10_000_000, 0)


def test_a_replay_after_the_images_were_deleted_says_so(customer: Customer) -> None:
    named = {"Idempotency-Key": "order-1"}
    first = customer.generate("a fox", stream=True, headers=named)
    place = f"{GENERATIONS}/{first.headers['x-pictor-generation-id']}"
    assert customer.client.delete(place).status_code == 200

    response = customer.generate("a fox", stream=True, headers=named)

    event, data = response.text.strip().split("\n\n")[-1].split("\n")
    error = json.loads(data.removeprefix("data: "))["error"]
    assert event == "event: error"
    assert error["code"] == "not_found"
    assert error["message"] == "The images of this generation have been deleted."
