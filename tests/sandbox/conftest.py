from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import stripe

Post = Callable[..., httpx.Response]


@dataclass(frozen=True)
class Broken:
    """The received part of an answer that never ended."""

    status: int
    headers: httpx.Headers
    received: bytes
    error: Exception


@pytest.fixture
def client(sandbox_server: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": "Bearer any-key"}
    with httpx.Client(
        base_url=sandbox_server, headers=headers, timeout=20, trust_env=False
    ) as client:
        yield client


@pytest.fixture
def generate(client: httpx.Client) -> Post:
    def post(prompt: str = "a fox", **fields: Any) -> httpx.Response:
        body = {"model": "gpt-image-2", "prompt": prompt, **fields}
        return client.post("/v1/images/generations", json=body)

    return post


@pytest.fixture
def break_off(client: httpx.Client) -> Callable[..., Broken]:
    """Request an answer that breaks off; return what arrived, waiting 0.8 s for each byte."""

    def post(prompt: str, **fields: Any) -> Broken:
        body = {"prompt": prompt, **fields}
        received = bytearray()
        with client.stream("POST", "/v1/images/generations", json=body, timeout=0.8) as response:
            try:
                for chunk in response.iter_raw():
                    received += chunk
            except httpx.TransportError as error:
                return Broken(response.status_code, response.headers, bytes(received), error)
        raise AssertionError("the answer came to its end")

    return post


@dataclass(frozen=True)
class Shop:
    """The sandbox's Stripe by its official client, its pages as a payer, and its test door."""

    api: Any  # its types would want TypedDicts of tests too
    http: httpx.Client

    def checkout(self, cents: int = 2000, **params: Any) -> Any:
        """A new Checkout Session."""
        product = {"name": "Balance", "tax_code": "txcd_10000000"}
        price = {"currency": "usd", "unit_amount": cents, "product_data": product}
        return self.api.v1.checkout.sessions.create(
            {
                "mode": "payment",
                "line_items": [{"quantity": 1, "price_data": price}],
                "success_url": "http://shop.example/done?session={CHECKOUT_SESSION_ID}",
                "cancel_url": "http://shop.example/",
                **params,
            }
        )

    def customer(self, **params: Any) -> str:
        return str(self.api.v1.customers.create({"email": "acme@example.com", **params}).id)

    def press(self, page: Any, way: str) -> httpx.Response:
        """Press a button of a hosted page."""
        return self.http.post(getattr(page, "url", page), data={"way": way})

    def paid(self, cents: int = 2000, **params: Any) -> Any:
        """A session that was paid, with its PaymentIntent and charge."""
        session = self.checkout(cents, **params)
        self.press(session, "paid")
        return self.seen(session)

    def seen(self, session: Any) -> Any:
        expand = {"expand": ["payment_intent.latest_charge.balance_transaction"]}
        return self.api.v1.checkout.sessions.retrieve(session.id, expand)

    def bank(self, act: str, **wish: Any) -> Any:
        """What only a bank, the dashboard or a bad day does."""
        return self.http.post(f"/_bank/{act}", json=wish).raise_for_status().json()

    def events(self, thing: str) -> list[str]:
        """The types of the events of that object, oldest first."""
        page = self.api.v1.events.list({"limit": 100})
        return [event.type for event in reversed(page.data) if event.data.object["id"] == thing]


@pytest.fixture
def shop(sandbox_server: str) -> Iterator[Shop]:
    with httpx.Client(base_url=sandbox_server, trust_env=False) as http:
        caller: Any = stripe.RequestsClient(timeout=20)
        yield Shop(
            stripe.StripeClient(
                "sk_test_sandbox",
                base_addresses={"api": sandbox_server},
                http_client=caller,
                max_network_retries=0,
            ),
            http,
        )
        caller.close()
