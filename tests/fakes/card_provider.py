"""The sandbox's Stripe for one test, in a thread of its own, with the settings that lead to it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

KEY = "sk_test_" + "sandbox" * 4
SECRET = "whsec_" + "sandbox" * 4


@dataclass
class Cards:
    """The provider in a test: its address, what it was asked, and the door for bad days."""

    url: str
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Method and path of each call, with IDs replaced, and its parameters."""

    def door(self, name: str, **wish: Any) -> dict[str, Any]:
        """Let the customer, the bank or bad luck act; see the package `sandbox.stripe`."""
        answer = httpx.post(f"{self.url}/_bank/{name}", json=wish)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def listed(self, kind: str) -> list[dict[str, Any]]:
        """The newest objects of that path, as the provider has them."""
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = httpx.get(f"{self.url}/v1/{kind}?limit=100", headers=headers)
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    def charges(self, cents: int) -> list[dict[str, Any]]:
        """The charges of so much that went through."""
        return [each for each in self.listed("charges") if each["paid"] and each["amount"] == cents]

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@pytest.fixture
def cards(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cards]:
    """A provider with nothing in it, which the settings name.

    All parameters that the test's code sends are held against the types of Stripe's library.
    """
    from tests.fakes import stripe_calls  # noqa: PLC0415 - the library, for few tests

    with sandbox_thread() as url:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRETS = KEY, [SECRET]
        settings.STRIPE_API, settings.STRIPE_TAX_CODE = url, ""
        here = Cards(url)
        stripe_calls.note_calls(monkeypatch, here.asked)
        yield here
    stripe_calls.check_calls(here.asked)


@contextmanager
def sandbox_thread() -> Iterator[str]:
    """Serve the sandbox upstream in a thread; its address."""
    from aiohttp import web  # noqa: PLC0415 - as above

    from sandbox import app  # noqa: PLC0415 - as above

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(timeout=30)

    runner = web.AppRunner(app.create(), access_log=None, shutdown_timeout=0.1)
    run(runner.setup())
    try:
        run(web.TCPSite(runner, "127.0.0.1", 0).start())
        yield "http://{}:{}".format(*runner.addresses[0])
    finally:
        run(runner.cleanup())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
