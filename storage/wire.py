"""Objects in and out, over kept connections to one S3 server: what every image goes through.

A PUT costs a fifth of boto3's (docs/benchmarks.md). It streams from its source and signs the digest
that the source has been given as it was written, so nothing is read twice, and the server refuses
bytes that changed on the way. Blocks; threads may share it. Raises:

    StorageFailed
    └── ObjectMissing   there is no such object
"""

import http.client
import re
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, Self, cast
from urllib.parse import urlsplit

import certifi
from django.conf import settings
from django.core.files import File
from typing_extensions import override

from pictor.kit import clock
from pictor.kit.spool import CHUNK_BYTES
from storage.signing import Signers, encoded

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 20
MAX_IDLE_CONNECTIONS = 32
MAX_IDLE_SECONDS = 60
"""Servers and what stands before them forget a connection after about as long, and may not say."""
NO_BYTES = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The sha256 of an empty body."""
MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
"""S3's codes for an object that is not there."""
_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,64})</Code>")

Chunks = Callable[[], Iterable[bytes]]
"""A body from its beginning, as often as it is asked for."""


class StorageFailed(Exception):
    """The S3 server did not do what was asked; trying again is free."""


class ObjectMissing(StorageFailed):
    """There is no such object."""


@dataclass
class _Exchange:
    """A connection with an answer whose body is still on it."""

    connection: http.client.HTTPConnection
    sock: socket.socket
    """The connection's, which it no longer knows where the server closes after this answer."""
    answer: http.client.HTTPResponse

    def cut(self) -> None:
        """End whatever reads the answer now, in another thread, as if the server had closed."""
        with suppress(OSError):  # the server has closed already
            # Not the method of a TLS socket, which takes TLS away from under the one who reads.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def drop(self) -> None:
        """Close both: what is left of the answer is not wanted, or not to be had."""
        self.answer.close()
        self.connection.close()


class ObjectStream(File):  # type: ignore[type-arg] # generic for the stubs alone
    """An object's bytes, forwards only. Iterating gives chunks, all full but the last.

    Chunks of a multiple of 3 bytes join as base64. Close it if you stop early, from any thread:
    where another one reads at that moment, its read fails.
    """

    def __init__(self, wire: "Wire", exchange: _Exchange, name: str, size_bytes: int) -> None:
        super().__init__(cast(Any, exchange.answer), name)
        self.size_bytes = self.size = size_bytes
        self._wire = wire
        self._exchange: _Exchange | None = exchange
        self._missing = size_bytes
        self._reading = threading.Lock()

    @override
    def read(self, num_bytes: int | None = None) -> bytes:
        """As many bytes as asked for, fewer only at the end. Raises StorageFailed if cut short."""
        with self._reading:
            exchange = self._exchange
            wanted = self._missing if num_bytes is None else min(num_bytes, self._missing)
            if not wanted or exchange is None:
                return b""
            try:
                piece = exchange.answer.read(wanted)
            except (OSError, http.client.HTTPException) as error:
                raise failed(error) from error
            if len(piece) < wanted:
                raise StorageFailed(f"{self._missing - len(piece)} bytes did not come")
            self._missing -= wanted
            if not self._missing and (whole := self._taken()):
                self._wire.keep(whole)
            return piece

    @override
    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """What is left of it, in chunks of `chunk_size` bytes."""
        while chunk := self.read(chunk_size or CHUNK_BYTES):
            yield chunk

    @override
    def close(self) -> None:
        """Whatever was not read is not wanted. Safe to call twice, and waits for nothing."""
        if exchange := self._taken():
            exchange.cut()
            with self._reading:
                exchange.drop()

    def _taken(self) -> _Exchange | None:
        """The exchange, to whoever comes first: once kept, its connection is in other hands."""
        exchange, self._exchange = self._exchange, None
        return exchange

    @override
    def __iter__(self) -> Self:
        return self

    @override
    def __next__(self) -> bytes:
        if chunk := self.read(CHUNK_BYTES):
            return chunk
        self.close()
        raise StopIteration


class Wire:
    """Requests to one bucket, each signed, over connections that are kept.

    Args:
        place: where it is, as requests reach it.
        signers: what signs each request.
    """

    def __init__(self, place: "Place", signers: Signers) -> None:
        self._place = place
        self._signers = signers
        self._idle: deque[tuple[float, http.client.HTTPConnection]] = deque()

    def put(
        self, name: str, chunks: Chunks, *, size_bytes: int, content_type: str, sha256: str
    ) -> None:
        """Save an object; one that is there is replaced."""
        kept = kept_with(content_type)
        exchange = self._asked(
            "PUT", name, kept, body_sha256=sha256, chunks=chunks, size_bytes=size_bytes
        )
        self._finish(exchange, "PutObject")

    def get(self, name: str) -> ObjectStream:
        """Start reading an object."""
        exchange = self._asked("GET", name, {}, body_sha256=NO_BYTES)
        if exchange.answer.status != HTTPStatus.OK:
            self._finish(exchange, "GetObject")
        if exchange.answer.length is None:
            exchange.drop()
            raise StorageFailed("GetObject: an answer without a length")
        return ObjectStream(self, exchange, name, exchange.answer.length)

    def require(self, name: str) -> None:
        """Raise ObjectMissing unless the object is there."""
        self._finish(self._asked("HEAD", name, {}, body_sha256=NO_BYTES), "HeadObject")

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop()[1].close()

    def keep(self, exchange: _Exchange) -> None:
        """Have a connection used again, once its answer was read to its end."""
        if exchange.answer.will_close or len(self._idle) >= MAX_IDLE_CONNECTIONS:
            exchange.drop()
        else:
            self._idle.append((time.monotonic(), exchange.connection))

    def _finish(self, exchange: _Exchange, operation: str) -> None:
        """Read what little is left of the answer; raises unless it says that all is well."""
        try:
            body = exchange.answer.read(CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            exchange.drop()
            raise failed(error) from error
        status = exchange.answer.status
        if exchange.answer.isclosed():
            self.keep(exchange)
        else:
            exchange.drop()
        if status != HTTPStatus.OK:
            raise refused(operation, status, body)

    def _asked(
        self,
        method: str,
        name: str,
        headers: Mapping[str, str],
        *,
        body_sha256: str,
        chunks: Chunks | None = None,
        size_bytes: int | None = None,
    ) -> _Exchange:
        """The answer to a request, sent once more where none came, or one that asks for that.

        That covers a kept connection that the server has just closed: the second is always new.
        """
        path, sent = signed(
            self._place,
            self._signers,
            method,
            name,
            headers,
            body_sha256=body_sha256,
            size_bytes=size_bytes,
        )
        try:
            exchange = self._once(self._kept(), method, path, sent, chunks)
            if exchange.answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return exchange
            exchange.drop()
        except (OSError, http.client.HTTPException):
            pass
        try:
            return self._once(self._place.connection(), method, path, sent, chunks)
        except (OSError, http.client.HTTPException) as error:
            raise failed(error) from error

    @staticmethod
    def _once(
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: Mapping[str, str],
        chunks: Chunks | None,
    ) -> _Exchange:
        try:
            if not connection.sock:
                connection.connect()
                connection.sock.settimeout(READ_TIMEOUT_SECONDS)
            sock = connection.sock
            connection.request(method, path, chunks() if chunks else None, headers)
            return _Exchange(connection, sock, connection.getresponse())
        except BaseException:
            connection.close()
            raise

    def _kept(self) -> http.client.HTTPConnection:
        """The connection that was used last, or a new one."""
        try:
            since, connection = self._idle.pop()
        except IndexError:
            return self._place.connection()
        if time.monotonic() - since < MAX_IDLE_SECONDS:
            return connection
        connection.close()
        self.close()  # which are all idle for longer
        return self._place.connection()


class Place:
    """Where a bucket is: the parts of its urls, and connections to its server."""

    def __init__(self, base_url: str, bucket: str, *, ca_bundle: str = "") -> None:
        parts = urlsplit(base_url)
        self.is_tls = parts.scheme == "https"
        usual = 443 if self.is_tls else 80
        self.address = (parts.hostname or "", parts.port or usual)
        self.host = parts.netloc
        if parts.port == usual:
            self.host = self.host.removesuffix(f":{parts.port}")
        self._before = f"{parts.path.rstrip('/')}/{encoded(bucket)}"
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._ca_bundle = ca_bundle

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """Holds certificates against the bundle's authorities; without one, against certifi's."""
        return ssl.create_default_context(cafile=self._ca_bundle or certifi.where())

    def path_of(self, name: str) -> str:
        """The path of an object's url, encoded."""
        return f"{self._before}/{encoded(name, also='/')}"

    def connection(self) -> http.client.HTTPConnection:
        """A new one, not connected yet. Proxies of the environment are none of ours."""
        host, port = self.address
        if not self.is_tls:
            return http.client.HTTPConnection(host, port, timeout=CONNECT_TIMEOUT_SECONDS)
        return http.client.HTTPSConnection(
            host, port, timeout=CONNECT_TIMEOUT_SECONDS, context=self.tls
        )


def kept_with(content_type: str) -> dict[str, str]:
    """What an object is answered with: its type, and how long who was given its url may keep it.

    That is as long as a url is good; a cache that others share may not keep it.
    """
    return {
        "content-type": content_type,
        "cache-control": f"private, max-age={settings.URL_EXPIRY_SECONDS}",
    }


def signed(
    place: Place,
    signers: Signers,
    method: str,
    name: str,
    headers: Mapping[str, str],
    *,
    body_sha256: str,
    size_bytes: int | None,
) -> tuple[str, dict[str, str]]:
    """A request's path, and its headers with those that sign it."""
    path = place.path_of(name)
    sent = signers().headers(
        method,
        path,
        {**headers, "host": place.host},
        body_sha256=body_sha256,
        now=clock.now(),
    )
    if size_bytes is not None:
        sent["content-length"] = str(size_bytes)
    return path, sent


def refused(operation: str, status: int, body: bytes) -> StorageFailed:
    """What the server's answer says, for one that is not 200."""
    found = _CODE.search(body)
    code = found[1].decode() if found else str(status)
    kind = ObjectMissing if code in MISSING else StorageFailed
    return kind(f"{operation}: {code}")


def failed(error: Exception) -> StorageFailed:
    """For a request that was not answered."""
    return StorageFailed(f"{type(error).__name__}: {error}")
