"""A part of the running default: its start, its readiness and its end."""

import contextlib
import http.client
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from pictor.embedded.process import Command

PROBE_SECONDS = 1.0
TAIL_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class Running:
    """A started process of a part, and the offset of its own output in the log."""

    process: subprocess.Popen[bytes]
    log: Path
    log_offset: int

    def output(self) -> bytes:
        """Return this process's output so far."""
        with self.log.open("rb") as file:
            file.seek(self.log_offset)
            return file.read()


@dataclass(frozen=True, kw_only=True)
class StackPart:
    """A long-running server. `command` is called before every start, so it can clean up first."""

    name: str
    role: str
    """Its list in `pids.json`."""
    command: Callable[[], Command]
    is_ready: Callable[[Running], bool]
    """Called often; must return within about a second."""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    ready_seconds: float = 60.0


def tail(log: Path, lines: int = 12) -> str:
    """Return the last lines of a log, indented, for an error message."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
        text = file.read().decode("utf-8", "replace")
        return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
    return ""


def http_status(port: int, path: str, host: str = "127.0.0.1") -> int:
    """Return the status of a GET, 0 without an answer."""
    connection = http.client.HTTPConnection(host, port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def answers_ok(port: int, path: str, host: str = "127.0.0.1") -> bool:
    """True if a GET is answered by 200."""
    return http_status(port, path, host) == HTTPStatus.OK


def first_reply(port: int, question: bytes, size: int) -> bytes:
    """Return the first bytes that a loopback server answers to the question; empty for none."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PROBE_SECONDS) as connection:
            connection.sendall(question)
            return connection.recv(size)
    except OSError:
        return b""
