"""A generation that kills its worker fails alone; the work in flight beside it succeeds."""

import contextlib
import os
import signal

import pytest
from typing_extensions import override

from tests.customers.customer import Customer, Operator
from tests.fakes.refusing import first_channel
from tests.faults.upstream import Holding, serving
from tests.stack.servers import Stack
from tests.stack.stack_processes import outlive_leases, until

pytestmark = pytest.mark.timeout(240)

LATER = {"Prefer": "respond-async"}
PRICE_OF_LOW = 5_880
NEIGHBOURS = 6


class Killing(Holding):
    """An upstream that kills the image worker when it is sent poison.

    The poison is answered only while `company` other calls are at this upstream, so that the first
    death takes all of them along. The leases of killed workers are ended without a wait.
    """

    def __init__(self, stack: Stack, company: int) -> None:
        super().__init__(stack)
        self._stack = stack
        self._company = company

    @override
    def answer(self, prompt: str) -> bytes:
        if prompt != "poison":
            return super().answer(prompt)
        self.calls[prompt] += 1
        until(lambda: self.all_calls > self._company)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._stack.pids()["worker"][0], signal.SIGKILL)
        self.let_go()
        outlive_leases(self._stack)
        return b""


def test_poison_fails_at_its_third_dispatch_and_its_neighbours_succeed(
    customer: Customer, operator: Operator, stack: Stack
) -> None:
    prompts = ["poison", *(f"boat {number}" for number in range(NEIGHBOURS))]
    upstream = Killing(stack, company=NEIGHBOURS)
    with (
        serving(upstream.port, upstream.answer),
        first_channel(operator, "killing", upstream.base_url),
    ):
        answers = [customer.generate(prompt, quality="low", headers=LATER) for prompt in prompts]
        until(lambda: customer.states() == {"succeeded": NEIGHBOURS, "failed": 1}, seconds=180)

    assert {answer.status_code for answer in answers} == {202}
    assert upstream.calls["poison"] == 3
    assert {upstream.calls[prompt] for prompt in prompts[1:]} == {2}
    assert customer.captures() == [PRICE_OF_LOW] * NEIGHBOURS
    assert customer.balance() == (10_000_000 - NEIGHBOURS * PRICE_OF_LOW, 0)
    operator("ledger_check")  # fails if the books are wrong
