"""Log files of the parts: appended to, and set aside at a start when they have grown."""

from pathlib import Path

KEEP_BYTES = 16 * 1024**2


def begin_log(log: Path) -> int:
    """Make room for a new start; returns the offset at which its output will begin."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > KEEP_BYTES:
        log.replace(log.with_suffix(".log.1"))
    log.touch()
    return log.stat().st_size
