"""Log files of the parts: appended to, and set aside when they grow, at a start and later.

The supervisor opens each file and passes it to the part as its output. A part under another account
can thus write to a file that only the supervisor's account may open and read.
"""

import contextlib
import shutil
from pathlib import Path

from pictor.embedded.files import make_private

KEEP_BYTES = 16 * 1024**2


def begin_log(log: Path) -> int:
    """Make room for a new start; return the offset at which its output will begin."""
    make_private(log.parent)
    if log.exists() and log.stat().st_size > KEEP_BYTES:
        log.replace(log.with_suffix(".log.1"))
    log.touch(mode=0o600)
    for file in (log, log.with_suffix(".log.1")):
        if file.exists():
            file.chmod(0o600)  # a file of an earlier release may be open to others
    return log.stat().st_size


def bound_log(log: Path) -> None:
    """Copy a large log aside and empty it while its part goes on writing.

    The part appends through a descriptor that it keeps. Lines written between copy and emptying are
    lost, and on a full disk the copy is too: the log is emptied in any case.
    """
    with contextlib.suppress(OSError):
        if log.stat().st_size <= KEEP_BYTES:
            return
        with contextlib.suppress(OSError):
            aside = log.with_suffix(".log.1")
            aside.touch(mode=0o600)
            shutil.copyfile(log, aside)
        with log.open("r+b") as file:
            file.truncate(0)
