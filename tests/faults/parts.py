"""Parts of a stack: small Python programs instead of servers."""

import sys
import textwrap
from pathlib import Path

from pictor.embedded.part import Running, StackPart
from pictor.embedded.process import Command


def part(
    name: str, program: str, *, stop_seconds: float = 5.0, ready_seconds: float = 10.0
) -> StackPart:
    return StackPart(
        name=name,
        role=name,
        command=lambda: Command(
            argv=(sys.executable, "-c", textwrap.dedent(program)), env={}, cwd=Path("/")
        ),
        is_ready=says_up,
        stop_seconds=stop_seconds,
        ready_seconds=ready_seconds,
    )


def says_up(running: Running) -> bool:
    return b"up" in running.output()
