"""Loopback ports for the embedded parts: the same at every start, as long as they are free.

They are below the kernel's range for outgoing connections. Inside it, a client that connects to a
part which is being restarted can be given that same port and talk to itself.
"""

import random
import socket
from pathlib import Path

from pictor.embedded.errors import RuntimeProblem
from pictor.embedded.files import read_json, write_json

LOWEST = 20_000
RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")
TRIES = 500


def is_free(host: str, port: int) -> bool:
    """True if a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers set it: to them a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def listen_hosts(host: str) -> list[str]:
    """Return the addresses to listen on; 127.0.0.1 adds ::1 if this machine has it."""
    return [host, "::1"] if host == "127.0.0.1" and _has_address("::1") else [host]


def free_port(taken: frozenset[int] = frozenset()) -> int:
    """Return a free loopback port outside `taken`. Raises RuntimeProblem."""
    highest = _first_outgoing() - 1
    for _ in range(TRIES):
        port = random.randint(LOWEST, highest)  # noqa: S311 (not a secret)
        if port not in taken and is_free("127.0.0.1", port):
            return port
    raise RuntimeProblem(f"No free port between {LOWEST} and {highest} on 127.0.0.1.")


def keep_ports(path: Path, names: tuple[str, ...], *, reserved: frozenset[int]) -> dict[str, int]:
    """Return a free port for each name: the one in the file at `path` if it is still free."""
    before = read_json(path)
    chosen: dict[str, int] = {}
    for name in names:
        taken = reserved | frozenset(chosen.values())
        port = before.get(name)
        usable = isinstance(port, int) and port not in taken and is_free("127.0.0.1", port)
        chosen[name] = port if isinstance(port, int) and usable else free_port(taken)
    if chosen != before:
        write_json(path, chosen)
    return chosen


def _has_address(host: str) -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def _first_outgoing() -> int:
    try:
        first = int(RANGE_FILE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768
    return first if first > LOWEST + TRIES else 32_768
