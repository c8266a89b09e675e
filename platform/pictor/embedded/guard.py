"""The supervisor's end of the pipe to the guardian, which is replaced if it dies."""

import contextlib
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("guardian.py")


class Guard:
    """Tells the guardian the process groups to end if this process vanishes."""

    def __init__(self) -> None:
        self._groups: dict[int, int] = {}
        self._process = self._start()

    def watch(self, group: int, death_signal: int) -> None:
        """Add a group, which the guardian ends by this signal if this process vanishes."""
        self._groups[group] = death_signal
        self._tell(f"+{group} {death_signal}")

    def forget(self, group: int) -> None:
        """Remove a group that has ended."""
        self._groups.pop(group, None)
        self._tell(f"-{group}")

    def check(self) -> None:
        """Replace a guardian that has ended."""
        if self._process.poll() is None:
            return
        self._process = self._start()
        for group, death_signal in self._groups.items():
            self._tell(f"+{group} {death_signal}")

    def close(self) -> None:
        """End the guardian, which first ends all groups that were not forgotten."""
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        with contextlib.suppress(OSError):  # check() replaces a dead one and tells it all groups
            if self._process.stdin:
                self._process.stdin.write(line.encode("ascii") + b"\n")
                self._process.stdin.flush()

    @staticmethod
    def _start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 (our own script)
            # Isolated and without site packages, so that it starts at once and fails with nothing.
            [sys.executable, "-I", "-S", str(SCRIPT)],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
