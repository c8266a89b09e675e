"""What a process must not go on without: threads and tasks that end the process when they end.

A supervisor sees a process that has ended and starts it again. It cannot see a process that answers
its probes while the thread that renews its lease is gone, so such a process must not exist. The end
is immediate, with exit status 70: whatever was in hand is taken back under the lease, and any
tidying up could hang in the very part that broke.
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
    """A daemon thread that the process lives with: it may return once it `is_over`, never raise."""
    thread = threading.Thread(target=_watched, args=(name, run, is_over), name=name, daemon=True)
    thread.start()
    return thread


def start_task(name: str, run: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task on the running loop that the process lives with. It ends by being cancelled alone."""
    task = asyncio.create_task(run, name=name)
    task.add_done_callback(_ended)
    return task


def end_process(why: str, error: BaseException | None = None) -> None:
    """Say why, and end this process at once with EXIT_STATUS."""
    logger.critical("this process ends: %s", why, exc_info=error)
    logging.shutdown()
    os._exit(EXIT_STATUS)


def _watched(name: str, run: Callable[[], None], is_over: Callable[[], bool]) -> None:
    try:
        run()
    except BaseException as error:  # noqa: BLE001 - whatever it is, the process is not whole
        end_process(f"its thread {name} is gone", error)
    if not is_over():
        end_process(f"its thread {name} has ended")


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        end_process(f"its task {task.get_name()} is gone", task.exception())
