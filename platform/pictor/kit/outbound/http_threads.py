"""httpx's client for threads, for calls to a server that the operator configured.

Calls to other hosts go through http.py, which guards addresses and counts bytes.
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
    """Return a client that all threads share, with a connection for each request.

    `tls` verifies the server's certificate; None is for plain http. `read_seconds` limits each
    piece of an answer or a body. At most `most_idle` connections are kept, for `idle_seconds` each.
    """
    return Client(
        verify=tls or False,
        trust_env=False,
        headers={"Accept-Encoding": "identity"},
        timeout=httpx.Timeout(read_seconds, connect=connect_seconds),
        limits=httpx.Limits(max_keepalive_connections=most_idle, keepalive_expiry=idle_seconds),
    )


def cut(answer: Answer) -> None:
    """Cut an answer that another thread is reading, as if the server had closed it."""
    connection = answer.extensions["network_stream"].get_extra_info("socket")
    with suppress(OSError):  # the server has closed already
        # A TLS socket's own method would remove TLS from under the thread that reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
