"""Whole journeys over HTTP: a new tenant on the running stack, and clients for it."""

import itertools
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from tests.customers.customer import Customer, Operator
from tests.stack.servers import Stack
from tests.stack.stack_processes import until

COUNTER = itertools.count(1)

MakeCustomer = Callable[..., Customer]
EndDelays = Callable[[Callable[[], bool]], None]
Held = Callable[..., Any]


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[str]:
    """The address of a real sandbox upstream; it must have logged nothing by the end."""
    command = [sys.executable, "-m", "sandbox", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own server
        assert process.stderr is not None
        try:
            first_line = process.stderr.readline()
            address = re.search(r"http://\S+", first_line)
            assert address is not None, first_line + process.stderr.read()
            yield address[0]
        finally:
            process.send_signal(signal.SIGTERM)
            logged = process.stderr.read()
            exit_code = process.wait(timeout=10)
    assert (logged, exit_code) == ("", 0)


@pytest.fixture(scope="session")
def operator(stack: Stack) -> Iterator[Operator]:
    """Operator commands without the start of a process for each."""
    operator = Operator(stack.env)
    yield operator
    operator.close()


@pytest.fixture(scope="session")
def make_customer_once(stack: Stack, operator: Operator) -> Iterator[MakeCustomer]:
    """Make customers that several tests of a module share."""
    made: list[Customer] = []

    def make(balance: str = "10.00", *options: str) -> Customer:
        customer = Customer.create(stack, operator, f"customer-{next(COUNTER)}", balance, *options)
        made.append(customer)
        return customer

    yield make
    for customer in made:
        customer.close()


@pytest.fixture
def make_customer(make_customer_once: MakeCustomer) -> MakeCustomer:
    return make_customer_once


@pytest.fixture(scope="session")
def untouched() -> list[Customer]:
    """Customers that no test has changed yet."""
    return []


@pytest.fixture
def customer(
    request: pytest.FixtureRequest, make_customer: MakeCustomer, untouched: list[Customer]
) -> Iterator[Customer]:
    """A new customer; tests marked `refused` share one as long as it is unchanged."""
    if request.node.get_closest_marker("refused") is None:
        yield make_customer()
        return
    customer = untouched.pop() if untouched else make_customer()
    yield customer
    if (customer.states(), customer.balance()) == ({}, (10_000_000, 0)):
        untouched.append(customer)


@pytest.fixture
def sandbox(stack: Stack) -> Iterator[httpx.Client]:
    """A client for the sandbox upstream's counters, set to zero."""
    base_url = stack.env["SANDBOX_URL"].removesuffix("/v1")
    with httpx.Client(base_url=base_url, trust_env=False) as client:
        client.post("/__stats/reset").raise_for_status()
        yield client


@pytest.fixture
def end_delays(sandbox: httpx.Client) -> EndDelays:
    """End delays at the sandbox upstream as they begin, until a condition holds."""

    def until_so(condition: Callable[[], bool]) -> None:
        until(lambda: bool(sandbox.post("/__delays/end")) and condition())

    return until_so


@pytest.fixture
def held(end_delays: EndDelays) -> Iterator[Held]:
    """Run a call that waits for delayed images; end their delays once `when` holds."""
    with ThreadPoolExecutor(1) as pool:

        def outcome(call: Callable[[], Any], *, when: Callable[[], bool] = lambda: True) -> Any:
            waiting = pool.submit(call)
            until(lambda: waiting.done() or when())
            end_delays(waiting.done)
            return waiting.result()

        yield outcome


@pytest.fixture
def database(stack: Stack) -> Iterator["psycopg.Connection[Any]"]:
    """A connection to the running stack's database with an operator's rights."""
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as connection:
        yield connection


@pytest.fixture
def sound_ledger(operator: Operator) -> Iterator[None]:
    """Check the whole ledger when the test is over."""
    yield
    assert json.loads(operator("ledger_check", "--json"))["ok"] is True


def turns(database: "psycopg.Connection[Any]", customer: Customer) -> int:
    """The number of times that a retry has taken over the customer's only order."""
    ((count,),) = database.execute(
        "SELECT coalesce(sum(g.turn), 0) FROM generation_generation AS g JOIN accounts_tenant AS t"
        " ON t.id = g.tenant_id WHERE t.name = %s",
        [customer.name],
    ).fetchall()
    return int(count)
