"""The official `openai` SDK with only base_url and api_key set."""

import openai

from tests.customers.customer import Customer


def client_of(customer: Customer) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{customer.stack.base_url}/v1",
        api_key=customer.api_key,
        http_client=openai.DefaultHttpxClient(trust_env=False),
    )
