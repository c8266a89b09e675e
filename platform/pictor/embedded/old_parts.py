"""Parts of an earlier start that still run, because its supervisor and guardian were both killed.

`PICTOR_DATA/children.json` maps each pid to its start time (clock ticks since boot), so a pid that
now belongs to another process is left alone. Linux only; elsewhere nothing is recorded.
"""

import signal
import time
from pathlib import Path

from pictor.embedded.files import read_json, write_json
from pictor.embedded.process import signal_group

PATIENCE_SECONDS = 10.0
STATE, STARTED = 0, 19
"""Fields of /proc/PID/stat, counted after the name in brackets."""


def stat_fields(pid: int) -> list[str]:
    """Return the process's fields after its name; empty without such a process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()  # the name may hold brackets, too


def is_alive(pid: int, started: str) -> bool:
    """True if the process with this start time still runs and is no zombie."""
    fields = stat_fields(pid)
    return bool(fields) and fields[STATE] != "Z" and fields[STARTED] == started


def note_children(path: Path, pids: list[int]) -> None:
    """Record the processes that must be gone before the next start."""
    known = {pid: stat_fields(pid) for pid in pids}
    write_json(path, {str(pid): fields[STARTED] for pid, fields in known.items() if fields})


def end_leftovers(path: Path) -> None:
    """Wait for an earlier start's processes that are just ending, then kill the rest."""
    left = {int(pid): str(started) for pid, started in read_json(path).items()}
    deadline = time.monotonic() + PATIENCE_SECONDS
    grace = time.monotonic() + 1.0
    while left and time.monotonic() < deadline:
        left = {pid: started for pid, started in left.items() if is_alive(pid, started)}
        if left and time.monotonic() > grace:
            for pid in left:
                signal_group(pid, signal.SIGKILL)
        if left:
            time.sleep(0.05)
    path.unlink(missing_ok=True)
