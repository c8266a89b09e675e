"""`manage.py run`: one complete Pictor on this machine, from nothing to a paid image.

In order: locks, disk and port; the embedded servers, each unless its URL is configured; migrations;
the seed, and beside it web and image worker; the first image; the short-work worker. Then it
supervises until Ctrl-C or SIGTERM. It imports no Django, so it starts at once and stays small.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from pictor.embedded.errors import RuntimeProblem, Stopped
from pictor.embedded.layout import Layout, read_layout
from pictor.embedded.old_parts import end_leftovers
from pictor.embedded.preflight import check_disk, check_port, make_folders, take_locks
from pictor.embedded.process import die_with_parent, raise_file_limit
from pictor.embedded.progress import Progress
from pictor.embedded.stack import Stack
from pictor.embedded.stack_record import clear_record


def main(root: Path, *, up: Callable[[Stack], None] = Stack.up) -> int:
    """Run until asked to stop; return the exit status. A problem is one message on stderr.

    Args:
        root: the checkout.
        up: starts the parts; tests start fewer.
    """
    if os.environ.get("PICTOR_STOP_WITH_PARENT"):
        die_with_parent(signal.SIGTERM, os.getppid())
    progress = Progress()
    try:
        layout = read_layout(root)
        make_folders(layout)
        locks = take_locks(layout)
        return _run(layout, progress, up) if locks else 1
    except RuntimeProblem as problem:
        return _say(str(problem))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return _say(f"The disk is full: {error.filename or 'no space left'}.")
        return _say(f"Pictor cannot start: {error}")


def _run(layout: Layout, progress: Progress, up: Callable[[Stack], None]) -> int:
    check_disk(layout)
    clear_record(layout.run)
    # Before the port is checked, which they may still hold.
    end_leftovers(layout.data / "children.json")
    check_port(layout)
    raise_file_limit()
    progress.title("Starting Pictor")
    stack = Stack(layout, progress)
    try:
        up(stack)
        stack.supervisor.supervise()
    except Stopped:
        pass
    finally:
        progress.line()
        progress.line("Stopping …")
        stack.supervisor.stop()
        clear_record(layout.run)
    progress.line("Stopped.")
    return 0


def _say(message: str) -> int:
    print(message, file=sys.stderr, flush=True)  # noqa: T201 (a command line's own output)
    return 1
