"""A short `make chaos`: everything at once, on a stack of its own, and every promise kept."""

import subprocess
import sys

import pytest

from tests.stack.servers import ROOT, bare_environment

SEED = "1"
SECONDS = "10"


@pytest.mark.timeout(600)
def test_nothing_is_lost_charged_twice_or_wronged_while_parts_are_killed() -> None:
    chaos = subprocess.run(  # noqa: S603 - our own command line
        [
            *(sys.executable, "-m", "tests.chaos"),
            "--seed",
            SEED,
            "--seconds",
            SECONDS,
            "--no-greedy",
        ],
        cwd=ROOT,
        env=bare_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert chaos.returncode == 0, chaos.stdout + chaos.stderr[-4_000:]
    assert "faults injected: " in chaos.stdout
    assert "(0 of them absences)" not in chaos.stdout
