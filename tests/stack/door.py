"""A way to a server that a test opens and closes."""

import contextlib
import socket
import threading
from collections.abc import Callable

from pictor.embedded.ports import free_port


class Door:
    """A port without a listener, until it is opened and leads to a server."""

    def __init__(self, host: str, port: int) -> None:
        self.port = free_port()
        self._server = (host, port)
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def open(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen()
        self._open.append(listener)
        self._start(self._accept, listener)

    def close(self) -> None:
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for end in self._open:
            end.close()

    def _start(self, target: Callable[..., None], *args: socket.socket) -> None:
        self._threads.append(threading.Thread(target=target, args=args))
        self._threads[-1].start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._server)
                self._open += [near, far]
                self._start(_pass_on, near, far)
                self._start(_pass_on, far, near)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
