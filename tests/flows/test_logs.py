"""What the parts of the running default log: JSON objects, a line each."""

import json

import pytest

from tests.customer import Customer
from tests.servers import Stack

CELERY_S_OWN = "worker: Warm shutdown (MainProcess)"
"""Written to the terminal at SIGTERM, past every logger."""


@pytest.mark.parametrize("name", ["web", "worker", "short"])
def test_every_line_is_a_json_object(stack: Stack, customer: Customer, name: str) -> None:
    customer.generate(quality="low")

    logged = stack.log(name).replace(CELERY_S_OWN, "").split("\n")
    lines = [json.loads(line) for line in logged if line]

    assert lines
    assert all({"at", "level", "logger", "message"} <= line.keys() for line in lines)
