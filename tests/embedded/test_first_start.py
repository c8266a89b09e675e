"""The default `make run`: the first start makes an image and the demo's past, the second neither.

Both run on a default stack: an image is made beside the past, once, before any vendor can be
connected; and a command removes all of it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.customers.customer import Operator
from tests.stack.servers import Stack, start_stack, stop_stack
from tests.stack.stack_processes import until

DELIVERED = """
from webhooks.models import Delivery
print(Delivery.objects.filter(state="delivered").count())
"""
LOOK = "from generation import tasks; tasks.look_for_conditions()"


def start(folder: Path) -> Stack:
    """Start as `make run` does without any configuration."""
    return start_stack(folder, PICTOR_DEMO_HISTORY="1", PICTOR_FIRST_IMAGE="1")


def proof(operator: Operator) -> dict[str, Any]:
    """Output of `ledger_check --json` on the running stack."""
    found: dict[str, Any] = json.loads(operator("ledger_check", "--json"))
    return found


@contextmanager
def operating(stack: Stack) -> Iterator[Operator]:
    """Commands on that stack without the start of a process for each."""
    operator = Operator(stack.env)
    try:
        yield operator
    finally:
        operator.close()


def said(folder: Path) -> str:
    return (folder / "run.out").read_text(encoding="utf-8")


@pytest.mark.timeout(300)
def test_only_the_first_start_makes_the_image_and_history_and_a_command_removes_them(tmp_path):
    stack = start(tmp_path)
    try:
        until(lambda: "✓ pictures" in said(tmp_path))
        assert "painted 4" in stack.log("pictures")
        assert "first image" in said(tmp_path)
        with operating(stack) as operator:
            # Of the test event, and of the first image.
            until(lambda: stack.manage("shell", "-v0", "-c", DELIVERED).stdout.strip() == "2")
            first = proof(operator)
            operator("shell", "-c", LOOK)
            needed = operator("status")
    finally:
        stop_stack(stack)
    stack = start(tmp_path)
    try:
        until(lambda: "Pictor is ready" in said(tmp_path))
        with operating(stack) as operator:
            second = proof(operator)
            removed = operator("demo", "remove", "--yes")
            again = stack.manage("demo", "remove", "--yes")
            after = proof(operator)
    finally:
        stop_stack(stack)

    assert first["ok"]
    assert needed.startswith("Nothing needs attention. Last check ")
    assert (first["totals"]["generations"], first["totals"]["demo"]) == (2001, 2000)
    assert second == first
    assert "✓ pictures" not in said(tmp_path)
    assert "first image" not in said(tmp_path)
    assert removed == "erased 2001 generations; the demo begins again\n"
    assert (again.returncode, "no demo data" in again.stderr) == (1, True)
    assert (after["ok"], after["totals"]["tenants"]) == (True, 2)
