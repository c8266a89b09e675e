"""What the parts of the running default log: JSON objects, a line each."""

import json

import pytest

from tests.customer import Customer
from tests.processes import until
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


def lines_of(stack: Stack, part: str, logger: str, request_id: str) -> list[dict[str, object]]:
    """What a part has logged of a request by one logger, so far."""
    lines = [json.loads(line) for line in stack.log(part).splitlines() if request_id in line]
    return [line for line in lines if line["logger"] == logger]


def test_a_request_and_each_attempt_are_one_line_each_and_tell_no_prompt(
    stack: Stack, customer: Customer
) -> None:
    prompt = "a secret garden"
    answer = customer.generate(prompt, quality="low", user="somebody")
    request_id = answer.headers["x-request-id"]

    until(lambda: bool(lines_of(stack, "web", "pictor.request", request_id)))
    (request,) = lines_of(stack, "web", "pictor.request", request_id)
    attempts = lines_of(stack, "worker", "generation.dispatch.service", request_id)

    whose = {"generation": answer.headers["x-pictor-generation-id"], "key": customer.key_id}
    assert whose.items() <= request.items()
    assert request["message"] == "POST /v1/images/generations"
    assert (request["status"], request["model"]) == (answer.status_code, "gpt-image-2-origin")
    assert attempts
    assert all(whose.items() <= line.items() for line in attempts)
    assert {"tenant", "class", "status", "ms"} <= attempts[-1].keys()
    for part in ("web", "worker", "short"):
        assert "secret garden" not in stack.log(part)
        assert "somebody" not in stack.log(part)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/v1/models/no-such-model", 404, "model_not_found"), ("/v1/nothing", 404, "not_found")],
)
def test_a_refusal_is_logged_with_its_code_and_without_its_query(
    stack: Stack, customer: Customer, path: str, status: int, code: str
) -> None:
    request_id = customer.client.get(f"{path}?token=hunter2").headers["x-request-id"]

    until(lambda: bool(lines_of(stack, "web", "pictor.request", request_id)))
    (line,) = lines_of(stack, "web", "pictor.request", request_id)

    assert (line["message"], line["status"], line["code"]) == (f"GET {path}", status, code)
    assert "hunter2" not in stack.log("web")
