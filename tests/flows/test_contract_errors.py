"""Every row of the contract's table of errors, sent for real: status, type, code and param."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.customers.customer import GENERATIONS, Customer, Operator, facts_of
from tests.stack.running import MakeCustomer
from tests.stack.servers import Stack

INVALID = "invalid_request_error"
UPSTREAM = "upstream_error"
UNKNOWN_ID = f"{GENERATIONS}/gen_01k00000000000000000000000"
OPENING = 10_000_000


@dataclass(frozen=True)
class Case:
    """A request and the error that it must get."""

    name: str
    status: int
    code: str
    param: str | None = None
    type: str = INVALID
    body: dict[str, Any] | bytes = b""
    method: str = "POST"
    path: str = GENERATIONS
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, client: httpx.Client) -> httpx.Response:
        content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return client.request(self.method, self.path, content=content, headers=self.headers)


def fox(**fields: Any) -> dict[str, Any]:
    return {"model": "gpt-image-2", "prompt": "a fox", **fields}


CASES = [
    Case("no model", 400, "missing_required_parameter", "model", body={"prompt": "a fox"}),
    Case("null model", 400, "missing_required_parameter", "model", body=fox(model=None)),
    Case("empty model", 400, "missing_required_parameter", "model", body=fox(model="")),
    Case("no prompt", 400, "missing_required_parameter", "prompt", body={"model": "dall-e-2"}),
    Case("model type", 400, "invalid_type", "model", body=fox(model=["dall-e-2"])),
    Case("model of the wrong type that is empty", 400, "invalid_type", "model", body=fox(model=[])),
    Case("model 0", 400, "invalid_type", "model", body=fox(model=0)),
    Case("prompt type", 400, "invalid_type", "prompt", body=fox(prompt=["a"])),
    Case("size type", 400, "invalid_type", "size", body=fox(size=1024)),
    Case("quality type", 400, "invalid_type", "quality", body=fox(quality=1)),
    Case("style type", 400, "invalid_type", "style", body=fox(style=1)),
    Case("background type", 400, "invalid_type", "background", body=fox(background=[])),
    Case("watermark type", 400, "invalid_type", "watermark", body=fox(watermark="true")),
    Case("watermark number", 400, "invalid_type", "watermark", body=fox(watermark=0)),
    Case("image type", 400, "invalid_type", "image", body=fox(image=3)),
    Case("stream type", 400, "invalid_type", "stream", body=fox(stream="yes")),
    Case("user type", 400, "invalid_type", "user", body=fox(user=5)),
    Case("strict type", 400, "invalid_type", "strict_size", body=fox(strict_size=1)),
    Case("n range", 400, "invalid_value", "n", body=fox(n=11)),
    Case("quality word", 400, "invalid_value", "quality", body=fox(quality="ultra")),
    Case("quality of dall-e-3", 400, "invalid_value", "quality",
         body=fox(model="dall-e-3", quality="high")),
    Case("quality of dall-e-2", 400, "invalid_value", "quality",
         body=fox(model="dall-e-2", quality="hd")),
    Case("quality case", 400, "invalid_value", "quality", body=fox(quality="LOW")),
    Case("response_format word", 400, "invalid_value", "response_format",
         body=fox(response_format="b64")),
    Case("output_format word", 400, "invalid_value", "output_format",
         body=fox(output_format="gif")),
    Case("moderation word", 400, "invalid_value", "moderation", body=fox(moderation="off")),
    Case("input_fidelity word", 400, "invalid_value", "input_fidelity",
         body=fox(input_fidelity="medium")),
    Case("partial_images range", 400, "invalid_value", "partial_images",
         body=fox(partial_images=4)),
    Case("NUL", 400, "invalid_value", "prompt", body=fox(prompt="a\x00b")),
    Case("NUL in style", 400, "invalid_value", "style", body=fox(style={"a": {"b": "\x00"}})),
    Case("lone surrogate", 400, "invalid_value", "prompt",
         body=b'{"model": "dall-e-2", "prompt": "a\\ud83e"}'),
    Case("idempotency key", 400, "invalid_value", "Idempotency-Key", body=fox(),
         headers={"Idempotency-Key": "x" * 256}),
    Case("blank in idempotency key", 400, "invalid_value", "Idempotency-Key", body=fox(),
         headers={"Idempotency-Key": "a b"}),
    Case("size", 400, "invalid_size", "size", body=fox(size="1x1")),
    Case("unknown field", 400, "unknown_parameter", "promt", body=fox(promt="x")),
    Case("unknown field null", 400, "unknown_parameter", "colour", body=fox(colour=None)),
    Case("prompt length", 400, "string_above_max_length", "prompt", body=fox(prompt="x" * 32_001)),
    Case("prompt of a megabyte", 400, "string_above_max_length", "prompt",
         body=fox(prompt="x" * 1_000_000)),
    Case("style of a megabyte", 400, "string_above_max_length", "style",
         body=fox(style={"a": "x" * 1_000_000})),
    Case("not JSON", 400, "invalid_json", body=b"prompt=a+fox"),
    Case("empty", 400, "invalid_json"),
    Case("no object", 400, "invalid_json", body=b"[1]"),
    Case("image", 400, "invalid_image", "image", body=fox(image="%%%%")),
    Case("moderation", 400, "moderation_blocked", "prompt",
         body=fox(prompt="[sandbox: fail=moderation]")),
    Case("model", 404, "model_not_found", "model", body=fox(model="gpt-image-9")),
    Case("model in another case", 404, "model_not_found", "model", body=fox(model="DALL-E-2")),
    Case("model of a thousand letters", 404, "model_not_found", "model", body=fox(model="m" * 999)),
    Case("path", 404, "not_found", path="/v1/images/generation", body=fox()),
    Case("path by GET", 404, "not_found", method="GET", path="/v1/nothing/here"),
    Case("bare /v1", 404, "not_found", method="GET", path="/v1"),
    Case("bare /v1/", 404, "not_found", method="GET", path="/v1/"),
    Case("id", 404, "not_found", "id", method="GET", path=UNKNOWN_ID),
    Case("malformed id", 404, "not_found", "id", method="GET", path=f"{GENERATIONS}/'%20or%201"),
    Case("model by id", 404, "model_not_found", "model", method="GET", path="/v1/models/none"),
    Case("method", 405, "method_not_allowed", method="PUT", body=fox()),
    Case("method of quote", 405, "method_not_allowed", method="GET", path="/v1/images/quote"),
    Case("method of models", 405, "method_not_allowed", path="/v1/models", body=b"{}"),
    Case("encoding", 415, "unsupported_media_type", body=fox(), headers={"Content-Encoding": "br"}),
    Case("two encodings", 415, "unsupported_media_type", body=fox(),
         headers={"Content-Encoding": "gzip, br"}),
    Case("too large", 413, "request_too_large", body=b" " * (33 * 1024**2)),
    Case("bomb", 413, "request_too_large", body=gzip.compress(b" " * (40 * 1024**2)),
         headers={"Content-Encoding": "gzip"}),
]  # fmt: skip


@pytest.mark.refused
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_row_of_the_table_is_answered_as_written(customer: Customer, case: Case) -> None:
    response = case.send(customer.client)

    assert facts_of(response) == (case.status, case.type, case.code, case.param)
    assert customer.captures() == []
    assert customer.balance() == (OPENING, 0)


def test_an_unknown_field_is_told_its_nearest_known_one(customer: Customer) -> None:
    near = customer.generate("a fox", qualty="low").json()
    far = customer.generate("a fox", zzzzzzzz=1).json()

    assert "'quality'" in near["error"]["message"]
    assert "response_format" in far["error"]["message"]


# --- 404, 409, 422 ----------------------------------------------------------------------------


def test_another_tenant_s_generation_is_not_found_word_for_word(
    customer: Customer, make_customer: MakeCustomer
) -> None:
    theirs = customer.generate("a fox").headers["x-pictor-generation-id"]
    stranger = make_customer()

    foreign = stranger.client.get(f"{GENERATIONS}/{theirs}")
    unknown = stranger.client.get(UNKNOWN_ID)

    assert facts_of(foreign) == (404, INVALID, "not_found", "id")
    assert foreign.content == unknown.content


def test_an_idempotency_key_with_another_body_is_422(customer: Customer) -> None:
    headers = {"Idempotency-Key": "order-7"}
    customer.generate("a fox", headers=headers)

    response = customer.generate("a hare", headers=headers)

    assert facts_of(response) == (422, INVALID, "idempotency_key_reused", None)
    assert response.headers["x-should-retry"] == "false"


def test_a_final_generation_cannot_be_canceled(customer: Customer) -> None:
    done = customer.generate("a fox").headers["x-pictor-generation-id"]

    response = customer.client.post(f"{GENERATIONS}/{done}/cancel")

    assert facts_of(response)[:3] == (409, INVALID, "not_cancelable")
    assert response.headers["x-should-retry"] == "false"


# --- 502, 503, 504 (test_contract_access.py: 401, 403; test_contract_limits.py: 429) -----------


@pytest.mark.parametrize(
    ("directive", "status", "code", "param"),
    [
        ("fail=400", 400, "invalid_value", None),
        ("fail=moderation", 400, "moderation_blocked", "prompt"),
        ("fail=500", 502, "upstream_error", None),
        ("fail=502", 502, "upstream_error", None),
        ("fail=504", 502, "upstream_error", None),
        ("fail=reset", 502, "upstream_error", None),
        ("fail=truncate", 502, "upstream_error", None),
        ("fail=html", 502, "upstream_error", None),
        ("fail=empty", 502, "upstream_error", None),
        ("corrupt", 502, "upstream_error", None),
        ("fail=401", 503, "no_channel_available", None),
        ("fail=403", 503, "no_channel_available", None),
        ("fail=503", 503, "no_channel_available", None),
    ],
)
def test_an_upstream_s_failure_is_ours_to_word_and_free(
    customer: Customer,
    operator: Operator,
    *,
    directive: str,
    status: int,
    code: str,
    param: str | None,
) -> None:
    operator("channel", "reset", "sandbox")

    response = customer.generate(f"a fox [sandbox: {directive}]")

    operator("channel", "reset", "sandbox")
    kind = INVALID if status == 400 else UPSTREAM
    assert facts_of(response) == (status, kind, code, param)
    assert response.headers["x-should-retry"] == "false"
    assert response.headers["x-pictor-generation-id"].startswith("gen_")
    assert response.headers["x-pictor-charge"] == "0.000000"
    message = response.json()["error"]["message"]
    assert "not charged" in message
    assert "127.0.0.1" not in message
    assert "sandbox" not in message.lower()
    assert customer.balance() == (OPENING, 0)


def test_no_channel_at_all_is_503_before_any_money_is_held(
    customer: Customer, operator: Operator
) -> None:
    operator("channel", "disable", "sandbox", "--yes")

    try:
        response = customer.generate("a fox")
        quote = customer.client.post("/v1/images/quote", json=fox())
    finally:
        operator("channel", "enable", "sandbox")

    assert facts_of(response) == (503, UPSTREAM, "no_channel_available", None)
    assert facts_of(quote) == (503, UPSTREAM, "no_channel_available", None)
    assert response.headers["x-should-retry"] == "false"
    assert customer.states() == {}


@pytest.fixture
def impatient(stack: Stack, operator: Operator) -> Iterator[None]:
    """The sandbox again, before itself, as a channel that gives up after a second."""
    where = ("--base-url", stack.env["SANDBOX_URL"], "--api-key", "k")
    operator("channel", "set", "impatient", *where, "--priority", "1", "--timeout", "1")
    operator("channel", "enable", "impatient", "--untested")
    yield
    operator("channel", "disable", "impatient", "--yes")


def test_an_upstream_that_takes_too_long_is_504_and_free(
    customer: Customer, impatient: None
) -> None:
    response = customer.generate("a fox [sandbox: delay=20]")

    assert facts_of(response) == (504, UPSTREAM, "generation_timeout", None)
    assert response.headers["x-should-retry"] == "false"
    assert "not charged" in response.json()["error"]["message"]
    assert customer.balance() == (OPENING, 0)
