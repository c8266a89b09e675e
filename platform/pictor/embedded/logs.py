"""Log files of the parts: appended to, and set aside when they have grown, at a start and later.

Each is opened here and handed to its part as its output, so that a part under another account
writes to a file that it may not open, and nobody but its owner reads.
"""

import contextlib
import shutil
from pathlib import Path

from pictor.embedded.files import make_private

KEEP_BYTES = 16 * 1024**2


def begin_log(log: Path) -> int:
    """Make room for a new start; returns the offset at which its output will begin."""
    make_private(log.parent)
    if log.exists() and log.stat().st_size > KEEP_BYTES:
        log.replace(log.with_suffix(".log.1"))
    log.touch(mode=0o600)
    for file in (log, log.with_suffix(".log.1")):
        if file.exists():
            file.chmod(0o600)  # one from before may be open to others
    return log.stat().st_size


def bound_log(log: Path) -> None:
    """Set what has grown aside while its part goes on writing: copied, and emptied.

    The part appends through a descriptor that it keeps. What it writes in between the two is lost,
    and on a full disk the copy is: the log is emptied in any case.
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
