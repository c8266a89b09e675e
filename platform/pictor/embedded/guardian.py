"""The guardian process: ends every part when the supervisor is gone, for whatever reason.

The supervisor starts it in a separate session, with a pipe as stdin. Lines `+GROUP SIGNAL` and
`-GROUP` add and remove process groups to end, with the first signal for each; the pipe's end means
that the supervisor is gone. Imports nothing of Pictor, so that it starts in milliseconds and cannot
fail with it.
"""

import os
import signal
import sys
import time
from pathlib import Path

PATIENCE_SECONDS = 8.0


def read_groups() -> dict[int, int]:
    """Read the pipe to its end; return the remaining process groups with their signals."""
    groups: dict[int, int] = {}
    for line in sys.stdin:
        words = line.split()
        if words and words[0].startswith("+"):
            groups[int(words[0][1:])] = int(words[1])
        elif words:
            groups.pop(int(words[0][1:]), None)
    return groups


def send(group: int, sig: int) -> bool:
    """Signal the group; return False if nothing of it is left."""
    try:
        os.killpg(group, sig)
    except OSError:
        return False
    return True


def is_over(group: int) -> bool:
    """True if the group is gone or its leader is a zombie."""
    if not send(group, 0):
        return True
    try:
        stat = Path(f"/proc/{group}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    # The name in brackets may hold blanks and brackets itself.
    return stat.rpartition(")")[2].split()[0] == "Z"


def main() -> None:
    """Wait for the pipe's end, then end the remaining groups."""
    # A signal that ends the supervisor must not end this process as well.
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    groups = read_groups()
    sent = {group for group, sig in groups.items() if send(group, sig)}
    left = {group for group in sent if groups[group] != signal.SIGKILL}  # killed ones need no wait
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = {group for group in left if not is_over(group)}
    for group in left:
        send(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
