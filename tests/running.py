"""Whole journeys over HTTP: a tenant of one's own on the running stack, and clients for it."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from tests.customer import Customer, Operator
from tests.servers import Stack

COUNTER = itertools.count(1)

MakeCustomer = Callable[..., Customer]


@pytest.fixture(scope="session")
def operator(stack: Stack) -> Iterator[Operator]:
    """Operator commands without the start of a process for each."""
    operator = Operator(stack)
    yield operator
    operator.close()


@pytest.fixture(scope="session")
def make_customer_once(stack: Stack, operator: Operator) -> Iterator[MakeCustomer]:
    """For customers that several tests of a module share."""
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


@pytest.fixture
def customer(make_customer: MakeCustomer) -> Customer:
    return make_customer()


@pytest.fixture
def sandbox(stack: Stack) -> Iterator[httpx.Client]:
    """The sandbox upstream's counters, set to zero."""
    base_url = stack.env["SANDBOX_URL"].removesuffix("/v1")
    with httpx.Client(base_url=base_url, trust_env=False) as client:
        client.post("/__stats/reset").raise_for_status()
        yield client


@pytest.fixture
def database(stack: Stack) -> Iterator["psycopg.Connection[Any]"]:
    """A connection to the running stack's database, as an operator with psql has it."""
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as connection:
        yield connection


@pytest.fixture
def sound_ledger(operator: Operator) -> Iterator[None]:
    """Checks the whole ledger when the test is over."""
    yield
    assert json.loads(operator("ledger_check", "--json"))["ok"] is True
