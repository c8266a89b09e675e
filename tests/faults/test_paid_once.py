"""50 orders that vendors work on in an outage of all else: each is paid once, and delivered."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from tests.chaos.upstream import serving
from tests.customers.customer import Customer, Operator
from tests.fakes.late_vendors import LateFal, LateRelay, LateVendor
from tests.stack.servers import Stack
from tests.stack.stack_processes import is_whole, outlive_leases, until

pytestmark = pytest.mark.timeout(300)

LATER = {"Prefer": "respond-async"}
OF_EACH = 25
MODELS = ("gpt-image-2-origin", "gpt-image-1")
_WRITTEN = "SELECT count(*) FROM generation_attempt WHERE jobs IS NOT NULL"


@pytest.fixture
def vendors(stack: Stack, operator: Operator) -> Iterator[list[LateVendor]]:
    """A channel of each before all others, for one model."""
    late: list[LateVendor] = [LateFal(), LateRelay()]
    with ExitStack() as open_servers:
        for vendor, port, model in zip(late, stack.upstream_ports[2:], MODELS, strict=True):
            open_servers.enter_context(serving(vendor, port))
            vendor.origin = f"http://127.0.0.1:{port}"
            name = type(vendor).__name__.lower()
            address = ("--base-url", vendor.origin, "--api-key", "k", *vendor.kind)
            operator(
                "channel", "set", name, *address, "--models", model, "--priority", "1",
                "--cost", "0.03",
            )  # fmt: skip
            operator("channel", "enable", name, "--untested")
            open_servers.callback(operator, "channel", "disable", name, "--yes")
        yield late
        for vendor in late:
            vendor.may_answer.set()


def test_fifty_orders_outlive_every_process_that_knew_of_them(
    customer: Customer, operator: Operator, stack: Stack, vendors: list[LateVendor]
) -> None:
    for number in range(OF_EACH):
        for model in MODELS:
            accepted = customer.generate(
                f"{model} {number}",
                headers=LATER,
                model=model,
                quality="low",
                size="1024x1024",
            )
            assert accepted.status_code == 202
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as database:
        until(lambda: database.execute(_WRITTEN).fetchone() == (2 * OF_EACH,))

    outage = [pid for role in ("worker", "broker", "postgres") for pid in stack.pids()[role]]
    for pid in outage:
        os.kill(pid, signal.SIGKILL)
    until(lambda: is_whole(stack))
    for vendor in vendors:
        vendor.may_answer.set()
    outlive_leases(stack)
    until(lambda: customer.states() == {"succeeded": 2 * OF_EACH}, seconds=240)

    for vendor, model in zip(vendors, MODELS, strict=True):
        assert vendor.paid == {f"{model} {number}": 1 for number in range(OF_EACH)}
    assert len(customer.captures()) == 2 * OF_EACH
    operator("ledger_check")  # fails if the books are wrong
