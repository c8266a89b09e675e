"""A server over HTTP in threads of its own."""

import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override


@contextmanager
def serving(
    handler: type[BaseHTTPRequestHandler], *, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Let the handler answer on that port of 127.0.0.1, or on any; the port."""
    server = _Server(("127.0.0.1", port), handler)
    if tls:
        # Each thread shakes hands by itself: a stalled client holds up no other.
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()  # closed before, the thread would ask its socket without end
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # do not wait for connections that a client keeps
    request_queue_size = 256  # the usual backlog of 5 resets some of a burst

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hang up or refuse our certificate, as tests make them do."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)
