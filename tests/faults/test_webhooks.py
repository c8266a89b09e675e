"""The short-work worker is killed between settlement and delivery: the event still arrives."""

import os
import signal

from standardwebhooks import Webhook

from tests.customers.customer import Customer, Operator
from tests.fakes.hooks import listening
from tests.stack.servers import Stack
from tests.stack.stack_processes import stopped, until

ENDPOINTS = "/v1/webhook_endpoints"


def test_a_settled_generation_is_told_after_a_kill(
    customer: Customer, operator: Operator, stack: Stack
) -> None:
    with listening(stack.hook_ports[0]) as hooks:
        endpoint = customer.client.post(ENDPOINTS, json={"url": hooks.url}).json()
        short = stack.pids()["worker"][1]
        with stopped(short):
            made = customer.generate("a fox", quality="low")
            assert hooks.told == []
            os.kill(short, signal.SIGKILL)
        until(lambda: len(hooks.told) >= 1)

    told = [Webhook(endpoint["secret"]).verify(one.body, one.headers) for one in hooks.told]
    assert {event["data"]["id"] for event in told} == {made.headers["x-pictor-generation-id"]}
    assert len({(one.id, one.body) for one in hooks.told}) == 1
    operator("ledger_check")  # fails if the books are wrong
