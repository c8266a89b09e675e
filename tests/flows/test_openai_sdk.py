"""The official `openai` SDK with only base_url and api_key set."""

import asyncio

import openai
import pytest

from tests.customers.customer import Customer
from tests.customers.sdk import client_of

pytestmark = pytest.mark.quick

MODEL = "gpt-image-2-origin"


def test_the_sync_client_gets_an_image(customer: Customer) -> None:
    with client_of(customer) as client:
        answer = client.images.generate(model=MODEL, prompt="a fox", size="1536x1024")

    assert answer.data is not None
    assert answer.data[0].url is not None
    assert answer.size == "1536x1024"
    assert answer.usage is not None
    assert answer.usage.output_tokens == 1372


def test_the_async_client_gets_an_image_as_base64(customer: Customer) -> None:
    async def generate() -> str | None:
        async with openai.AsyncOpenAI(
            base_url=f"{customer.stack.base_url}/v1",
            api_key=customer.api_key,
            http_client=openai.DefaultAsyncHttpxClient(trust_env=False),
        ) as client:
            answer = await client.images.generate(
                model=MODEL, prompt="a fox", response_format="b64_json"
            )
            assert answer.data is not None
            return answer.data[0].b64_json

    encoded = asyncio.run(generate())

    assert encoded is not None
    assert encoded.startswith("iVBORw0KGgo")


def test_the_sdk_raises_its_own_errors_and_does_not_retry_in_vain(customer: Customer) -> None:
    with client_of(customer) as client:
        with pytest.raises(openai.BadRequestError) as bad:
            client.images.generate(model=MODEL, prompt="a fox", size="77x77")
        with pytest.raises(openai.NotFoundError):
            client.images.generate(model="gpt-image-9", prompt="a fox")
        with pytest.raises(openai.InternalServerError):
            client.images.generate(model=MODEL, prompt="a fox [sandbox: fail=500]")

    assert bad.value.code == "invalid_size"
    assert customer.states() == {"failed": 1}
