"""httpx's client for threads, for calls to one server that the operator named.

Calls to others' hosts go through http.py, which guards addresses and counts bytes.
"""

import socket
import ssl
from contextlib import suppress

import httpx

Answer = httpx.Response
Client = httpx.Client
TransportError = httpx.TransportError


def client(
    tls: ssl.SSLContext | None,
    *,
    connect_seconds: float,
    read_seconds: float,
    most_idle: int,
    idle_seconds: float,
) -> Client:
    """One that all threads share, with as many connections as there are requests.

    `tls` is what the server's certificate is held against, None for plain http. `read_seconds` is
    for each piece of an answer, and of a body. `most_idle` connections are kept, `idle_seconds`.
    """
    return Client(
        verify=tls or False,
        trust_env=False,
        headers={"Accept-Encoding": "identity"},
        timeout=httpx.Timeout(read_seconds, connect=connect_seconds),
        limits=httpx.Limits(max_keepalive_connections=most_idle, keepalive_expiry=idle_seconds),
    )


def cut(answer: Answer) -> None:
    """End whatever reads the answer now, in another thread, as if the server had closed."""
    connection = answer.extensions["network_stream"].get_extra_info("socket")
    with suppress(OSError):  # the server has closed already
        # Not the method of a TLS socket, which takes TLS away from under the one who reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
