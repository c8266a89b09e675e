"""Output of `run`: one aligned line per part, in colour only on a terminal."""

import sys
import time
from collections.abc import Sequence

NAME_WIDTH = 14


class Progress:
    """Lines on stdout. A reader that went away (`run | head`) does not stop the stack."""

    def __init__(self) -> None:
        self._colour = sys.stdout.isatty()
        self._began = time.monotonic()

    def line(self, text: str = "") -> None:
        try:
            print(text, flush=True)  # noqa: T201 (a command line's own output)
        except OSError:
            self._colour = False

    def title(self, text: str) -> None:
        """Print a line in bold."""
        self.line(self._paint("1", text))

    def done(self, name: str, seconds: float, note: str = "") -> None:
        """Report a part or step that is ready."""
        mark = self._paint("32", "✓")
        rest = f"  {self._paint('2', note)}" if note else ""
        self.line(f"  {mark} {name:<{NAME_WIDTH}}{seconds:6.1f} s{rest}")

    def skipped(self, name: str, why: str) -> None:
        """Report a part or step that is skipped, with the reason."""
        self.line(f"  {self._paint('2', '·')} {name:<{NAME_WIDTH}}  {self._paint('2', why)}")

    def trouble(self, text: str) -> None:
        """Report a problem that does not end `run`."""
        self.line(f"  {self._paint('33', '!')} {text}")

    def table(self, rows: Sequence[tuple[str, str]]) -> None:
        """Print names and values, aligned."""
        for name, value in rows:
            self.line(f"  {self._paint('2', f'{name:<{NAME_WIDTH}}')}  {value}")

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._began

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text
