"""Settings with a heartbeat on every event loop of the process, for DJANGO_SETTINGS_MODULE.

A beat comes every 20 ms. One that comes 50 ms late is written to `BEATS/PID` if the process itself
used 50 ms of CPU meanwhile, and nearly all of the time; where others use the CPU, it waits without
using any. A line has the lateness and the CPU time in seconds, and the thread of the loop.
"""

import asyncio
import contextlib
import os
import threading
import time
from pathlib import Path
from typing import Any

import uvloop

from pictor.settings import *  # noqa: F403 - the same settings

EVERY_SECONDS, LATE_SECONDS, USED_SECONDS = 0.02, 0.05, 0.05
MOST = 0.8
_BEATS = Path(os.environ["BEATS"], str(os.getpid()))


def beat(loop: Any, due: float, used_before: float) -> None:
    """Write down a beat that is late, and plan the next one."""
    late, used = time.monotonic() - due, time.process_time() - used_before
    if late >= LATE_SECONDS and used >= max(USED_SECONDS, MOST * late):
        with _BEATS.open("a", encoding="utf-8") as file:
            file.write(f"{late:.3f} {used:.3f} {threading.current_thread().name}\n")
    due = time.monotonic() + EVERY_SECONDS
    loop.call_later(EVERY_SECONDS, beat, loop, due, time.process_time())


def _begin(loop: Any) -> None:
    _BEATS.touch()
    loop.call_soon(beat, loop, time.monotonic(), time.process_time())


def _beating(kind: Any) -> None:
    """Begin a heartbeat whenever a loop of this kind begins to run."""
    run_forever = kind.run_forever

    def run(loop: Any) -> None:
        _begin(loop)
        run_forever(loop)

    kind.run_forever = run


for each in (asyncio.BaseEventLoop, uvloop.Loop):
    _beating(each)
with contextlib.suppress(RuntimeError):
    _begin(asyncio.get_running_loop())  # a web process reads the settings on its loop
