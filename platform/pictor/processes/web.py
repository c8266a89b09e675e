"""The web process, run by `pictor web`: uvicorn on every address of PICTOR_HOST, at PORT.

`localhost` is 127.0.0.1 to some clients and ::1 to others, but uvicorn's own command line listens
on only one address.
"""

import os
import socket

import uvicorn

from pictor.embedded.errors import RuntimeProblem
from pictor.embedded.layout import read_port
from pictor.embedded.ports import listen_hosts
from pictor.processes.first_lines import log_lines, note_python
from pictor.web.protocol import Protocol

BACKLOG = 4096
GRACE_SECONDS = 10


def listening(host: str, port: int) -> list[socket.socket]:
    """Return a bound socket for each address; uvicorn starts listening on them."""
    sockets = []
    for address in listen_hosts(host):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, port))
        sockets.append(bound)
    return sockets


def main() -> None:
    """Serve until SIGTERM, then give open requests GRACE_SECONDS."""
    try:
        port = read_port()
    except RuntimeProblem as problem:
        raise SystemExit(str(problem)) from None
    config = uvicorn.Config(
        "pictor.asgi:application",
        loop="uvloop",
        ws="none",
        http=Protocol,
        backlog=BACKLOG,
        log_config=None,  # the settings configure the log
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    sockets = listening(os.environ.get("PICTOR_HOST") or "127.0.0.1", port)
    note_python()
    uvicorn.Server(config).run(sockets=sockets)


if __name__ == "__main__":
    with log_lines():
        main()
