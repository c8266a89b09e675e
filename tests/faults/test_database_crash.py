"""PostgreSQL killed in the middle of a stream of orders: a 2xx is durable, the rest is 503."""

import os
import signal

import httpx

from tests.customers.customer import Customer, Operator
from tests.stack.servers import Stack
from tests.stack.stack_processes import until

LATER = {"Prefer": "respond-async"}
PRICE_OF_LOW = 5_880


def test_acknowledged_orders_survive_a_crash_and_others_are_503(
    customer: Customer, operator: Operator, stack: Stack
) -> None:
    answers: list[httpx.Response] = []

    def order() -> int:
        answer = customer.generate(f"boat {len(answers)}", quality="low", headers=LATER)
        answers.append(answer)
        return answer.status_code

    before = [order() for _ in range(10)]
    os.kill(stack.pids()["postgres"][0], signal.SIGKILL)
    while order() != 503:
        pass
    while order() != 202:
        pass
    after = [order() for _ in range(10)]

    assert before == after == [202] * 10
    assert {answer.status_code for answer in answers} == {202, 503}
    accepted = [answer.headers["location"] for answer in answers if answer.status_code == 202]
    until(lambda: not {"queued", "running"} & set(customer.states()))
    assert set(customer.states()) == {"succeeded"}
    found = [customer.client.get(path) for path in accepted]
    assert {answer.json()["status"] for answer in found} == {"succeeded"}
    assert customer.captures() == [PRICE_OF_LOW] * customer.states()["succeeded"]
    operator("ledger_check")  # fails if the books are wrong
