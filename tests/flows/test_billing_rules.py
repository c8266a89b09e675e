"""Every published rule about charges, played on the running stack."""

import contextlib
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from billing.rules import RULES, Rule
from tests.customers.customer import GENERATIONS, Customer, Operator
from tests.stack.servers import ROOT
from tests.stack.stack_processes import stopped, until

LOW = 5_880
SLOW = "a slow fox [sandbox: delay=3]"
ASYNC = {"Prefer": "respond-async"}

Scenario = Callable[[Customer], int]
"""Makes something happen to a customer; returns the total charge expected."""


def plainly(prompt: str, charge: int, **fields: Any) -> Scenario:
    def happen(customer: Customer) -> int:
        customer.generate(prompt, **{"quality": "low", **fields})
        return charge

    return happen


def refused_first(customer: Customer) -> int:
    assert customer.generate(quality="best").status_code == 400
    assert customer.generate(model="gpt-image-2-auto", n=10).status_code == 200
    spent = sum(customer.captures())
    for _ in range(3):  # 4.28 USD on hold each: the balance is too low for the third
        customer.generate(SLOW, model="gpt-image-2-auto", n=10, headers=ASYNC)
    until(lambda: customer.balance()[1] == 0)
    return spent + 2 * spent


def other_size(customer: Customer) -> int:
    wrong = "a fox [sandbox: size=3840x2160]"
    strict = customer.generate(wrong, quality="low", strict_size=True)
    assert "delivered another size" in strict.json()["error"]["message"]
    customer.generate(wrong, quality="low")
    return LOW


def canceled(customer: Customer) -> int:
    worker, *_ = customer.stack.pids()["worker"]
    with stopped(worker):
        queued = customer.generate(quality="low", headers=ASYNC).json()
        ended = customer.client.post(f"{GENERATIONS}/{queued['id']}/cancel")
    assert ended.json()["status"] == "canceled"
    return 0


def caller_gone(customer: Customer) -> int:
    hang_up(customer)
    until(lambda: customer.states() == {"succeeded": 1})
    return LOW


def hang_up(customer: Customer) -> None:
    with contextlib.suppress(httpx.ReadTimeout):
        customer.client.post(
            GENERATIONS,
            json={"model": "gpt-image-2-origin", "prompt": SLOW, "quality": "low"},
            timeout=httpx.Timeout(30, read=1.5),
        )
    until(lambda: sum(customer.states().values()) == 1)


def sdk_retry(customer: Customer) -> int:
    hang_up(customer)
    again = customer.generate(SLOW, quality="low", headers={"x-stainless-retry-count": "1"})
    assert again.status_code == 200
    return LOW


def same_idempotency_key(customer: Customer) -> int:
    for _ in range(3):
        made = customer.generate(quality="low", headers={"Idempotency-Key": "order-1"})
        assert made.status_code == 200
    return LOW


def deleted(customer: Customer) -> int:
    made = customer.generate(quality="low")
    path = f"{GENERATIONS}/{made.headers['x-pictor-generation-id']}"
    assert customer.client.delete(path).status_code == 200
    return LOW


def ask_for_quote(customer: Customer) -> int:
    body = {"model": "gpt-image-2", "prompt": "a fox"}
    assert customer.client.post("/v1/images/quote", json=body).status_code == 200
    assert customer.client.get(GENERATIONS).status_code == 200
    return 0


SCENARIOS: dict[str, Scenario] = {
    "images_delivered": plainly("a fox", 2 * LOW, n=2),
    "fewer_images": plainly("a fox [sandbox: images=1]", LOW, n=2),
    "more_images": plainly("a fox [sandbox: images=5]", 2 * LOW, n=2),
    "other_size": other_size,
    "refused_first": refused_first,
    "upstream_failed": plainly("a fox [sandbox: fail=400]", 0),
    "not_usable": plainly("a fox [sandbox: corrupt]", 0),
    "content_policy": plainly("a fox [sandbox: fail=moderation]", 0),
    "canceled": canceled,
    "caller_gone": caller_gone,
    "same_idempotency_key": same_idempotency_key,
    "sdk_retry": sdk_retry,
    "deleted": deleted,
    "asked": ask_for_quote,
}


def test_every_rule_is_played() -> None:
    assert [rule.id for rule in RULES] == list(SCENARIOS)


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_rule_charges_what_it_says(
    customer: Customer, operator: Operator, sound_ledger: None, name: str
) -> None:
    operator("channel", "reset", "sandbox")

    charge = SCENARIOS[name](customer)

    assert sum(customer.captures()) == charge
    assert customer.balance() == (10_000_000 - charge, 0)


def test_the_rules_are_told_as_they_are(customer: Customer) -> None:
    told = customer.client.get("/v1/billing/rules").json()["data"]

    assert [Rule(**{name: row[name] for name in Rule.__slots__}) for row in told] == list(RULES)


def test_the_document_has_the_same_table() -> None:
    text = (ROOT / "docs/pricing.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"\n## 4\. .*?(?=\n## 5\. )", text, re.DOTALL)
    rows = re.findall(r"^\| (.+?) \| (delivered|nothing) \| (.*?) ?\|$", section, re.MULTILINE)

    assert rows == [(rule.when, rule.charge, rule.detail) for rule in RULES]
