"""Vital threads and tasks: the process ends when one of them does.

A supervisor restarts a process that has ended. It cannot see that a process which answers its
probes has lost the thread that renews its lease, so such a process must not exist. The end is
immediate, with exit status 70: the lease returns all work in hand, and tidying up could hang in the
very part that broke.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

EXIT_STATUS = os.EX_SOFTWARE


def start_thread(
    name: str, run: Callable[[], None], *, is_over: Callable[[], bool]
) -> threading.Thread:
    """Start a vital daemon thread, which may return once `is_over()`, and may never raise."""
    thread = threading.Thread(target=_watch, args=(name, run, is_over), name=name, daemon=True)
    thread.start()
    return thread


def start_task(name: str, run: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Start a vital task on the running loop, which may end only by being cancelled."""
    task = asyncio.create_task(run, name=name)
    task.add_done_callback(_on_task_end)
    return task


def end_process(why: str, error: BaseException | None = None) -> None:
    """Log the reason and end this process at once with EXIT_STATUS."""
    logger.critical("this process ends: %s", why, exc_info=error)
    logging.shutdown()
    os._exit(EXIT_STATUS)


def _watch(name: str, run: Callable[[], None], is_over: Callable[[], bool]) -> None:
    try:
        run()
    except BaseException as error:  # noqa: BLE001 - any end of a vital thread ends the process
        end_process(f"its thread {name} is gone", error)
    if not is_over():
        end_process(f"its thread {name} has ended")


def _on_task_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        end_process(f"its task {task.get_name()} is gone", task.exception())
