"""The default `make run`: its demo workspace has a past, written once, and it can be removed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.processes import until
from tests.servers import Stack, start_stack, stop_stack


def proof(stack: Stack) -> dict[str, Any]:
    """What `ledger_check --json` says of the running stack."""
    found: dict[str, Any] = json.loads(stack.manage("ledger_check", "--json").stdout)
    return found


def said(folder: Path) -> str:
    return (folder / "run.out").read_text(encoding="utf-8")


@pytest.mark.timeout(300)
def test_the_first_start_writes_it_the_second_does_not_and_a_command_removes_it(tmp_path):
    stack = start_stack(tmp_path, PICTOR_DEMO_HISTORY="1")
    try:
        until(lambda: "✓ pictures" in said(tmp_path), seconds=60)
        assert "painted 4" in stack.log("pictures")
        first = proof(stack)
    finally:
        stop_stack(stack)
    stack = start_stack(tmp_path, PICTOR_DEMO_HISTORY="1")
    try:
        until(lambda: "Pictor is ready" in said(tmp_path))
        second = proof(stack)
        removed = stack.manage("demo", "remove", "--yes")
        again = stack.manage("demo", "remove", "--yes")
        after = proof(stack)
    finally:
        stop_stack(stack)

    assert first["ok"]
    assert (first["totals"]["generations"], first["totals"]["demo"]) == (2000, 2000)
    assert second == first
    assert "✓ pictures" not in said(tmp_path)
    assert removed.stdout == "erased 2000 generations; the demo begins again\n"
    assert (again.returncode, "no demo data" in again.stderr) == (1, True)
    assert (after["ok"], after["totals"]["tenants"]) == (True, 2)
