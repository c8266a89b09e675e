"""A customer with an endpoint, and its server: a real one on a socket."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.outbound.http import HttpPool
from pictor.kit.words import clock
from tests.fakes.raw_server import RawServer, Script, running, says
from tests.making.factories import PayingCustomer, make_channel
from tests.making.seeds import sow
from webhooks import outbox
from webhooks.models import WebhookEndpoint
from webhooks.outbox import DeliveryOutcome, HeldDelivery
from webhooks.sender import Sender
from webhooks.sending import send
from webhooks.services import EndpointValues, create_endpoint


@pytest.fixture
def acme(db: None) -> PayingCustomer:
    sow()
    make_channel(serves="both")
    return PayingCustomer("acme")


@pytest.fixture
def spools(tmp_path: Path) -> Spools:
    return Spools(tmp_path, SpoolBudget(max_bytes=1_000_000))


class Receiver:
    """The customer's server, with its requests and answers, and a sender with a clock."""

    def __init__(self, server: RawServer, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._server, self._run = server, run
        self.url = f"{server.url}/hook"
        self.now = clock.now() + timedelta(minutes=2)  # later than anything a test does

    @property
    def received(self) -> Any:
        return self._server.received

    def answers(self, script: Script) -> None:
        self._server.script = script

    def later(self, **passed: float) -> datetime:
        """Advance the clock."""
        self.now += timedelta(**passed)
        return self.now

    def claimed(self) -> list[HeldDelivery]:
        return outbox.claim(now=self.now, limit=100, in_hand={})

    def sent(self, delivery: HeldDelivery) -> DeliveryOutcome:
        """Make an attempt through the guard, with this server allowed."""

        async def attempt() -> DeliveryOutcome:
            http = HttpPool(egress_allow=[self._server.host_port])
            try:
                return await send(delivery, http=http, at=self.now)
            finally:
                await http.aclose()

        outcome: DeliveryOutcome = self._run(attempt())
        return outcome

    def carried(self, delivery: HeldDelivery) -> None:
        """Do everything that a sender does with a claimed delivery."""

        async def carry() -> None:
            http = HttpPool(egress_allow=[self._server.host_port])
            sender = Sender(http)
            sender._in_hand[delivery.endpoint_id] = 1  # noqa: SLF001 - as its look begins one
            try:
                await sender._deliver(delivery)  # noqa: SLF001 - its loop has no other way in
            finally:
                await http.aclose()

        self._run(carry())

    def work(self) -> list[DeliveryOutcome]:
        """Send everything due now, and write down the outcomes."""
        outcomes = []
        for delivery in self.claimed():
            outcome = self.sent(delivery)
            outbox.write_down(delivery=delivery, outcome=outcome, now=self.now)
            outcomes.append(outcome)
        return outcomes


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A server that accepts everything until a test says otherwise."""
    with asyncio.Runner() as runner:
        context = running(says(b"ok"))
        server = runner.run(context.__aenter__())
        settings.WEBHOOK_ALLOW = frozenset({server.host_port})
        yield Receiver(server, runner.run)
        runner.run(context.__aexit__(None, None, None))


@pytest.fixture
def endpoint(acme: PayingCustomer, receiver: Receiver) -> WebhookEndpoint:
    made, _ = endpoint_of(acme, receiver.url)
    return made


def endpoint_of(
    customer: PayingCustomer, url: str, *, livemode: bool = True, **wishes: Any
) -> tuple[WebhookEndpoint, str]:
    """A new endpoint and its secret."""
    return create_endpoint(
        tenant=customer.tenant,
        livemode=livemode,
        values=EndpointValues(url, **wishes),
        actor="test",
    )
