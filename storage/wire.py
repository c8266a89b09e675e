"""Objects in and out for threads, over kept connections to one S3 server.

A PUT streams from its source and signs the source's digest, so that the server refuses bytes that
changed on the way. Blocks; threads may share it.
Event loops use loop_wire.py. Raises:
    StorageFailed
    └── ObjectMissing   there is no such object
"""

import re
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from functools import cached_property, partial
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

import certifi
from django.conf import settings
from django.core.files import File
from typing_extensions import override

from pictor.kit.bytes.spool import CHUNK_BYTES
from pictor.kit.outbound import http_threads
from pictor.kit.outbound.http_threads import Answer, Client, TransportError, cut
from pictor.kit.words import clock
from storage.signing import Signers, percent_encode

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 20
MAX_IDLE_CONNECTIONS = 32
MAX_IDLE_SECONDS = 60
"""Servers and proxies drop an idle connection after about this long, perhaps silently."""
NO_BYTES = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The sha256 of an empty body."""
MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
"""S3's codes for an object that is not there."""
_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,64})</Code>")

Chunks = Callable[[], Iterable[bytes]]
"""Returns a body from its beginning each time it is called."""


class StorageFailed(Exception):
    """The S3 server did not do it; trying again is free."""


class ObjectMissing(StorageFailed):
    """There is no such object."""


class ObjectStream(File):  # type: ignore[type-arg] # generic only for the stubs
    """An object's bytes, forwards only. Iterating yields chunks, all full except the last.

    Close it if you stop early, from any thread; a read by another thread then fails.
    """

    DEFAULT_CHUNK_SIZE = CHUNK_BYTES

    def __init__(self, answer: Answer, name: str, size_bytes: int) -> None:
        super().__init__(cast(Any, answer), name)
        self.size_bytes = self.size = size_bytes
        self._answer: Answer | None = answer
        self._pieces = answer.iter_raw()
        self._come = bytearray()
        self._missing = size_bytes
        self._reading = threading.Lock()

    @override
    def read(self, num_bytes: int | None = None) -> bytes:
        """Read the bytes asked for, fewer only at the end. Raises StorageFailed if cut short."""
        with self._reading:
            if self._answer is None:
                return b""
            wanted = self._missing if num_bytes is None else min(num_bytes, self._missing)
            try:
                while len(self._come) < wanted:
                    self._come += next(self._pieces)
            except (StopIteration, TransportError) as error:
                missing = self._missing - len(self._come)
                raise StorageFailed(f"{missing} bytes did not come: {error!r}") from error
            piece = bytes(self._come[:wanted])
            del self._come[:wanted]
            self._missing -= wanted
            if not self._missing and self._take_answer():
                next(self._pieces, None)  # which gives the connection back
            return piece

    @override
    def close(self) -> None:
        """Discard the unread rest. Safe to call twice; it does not wait."""
        if answer := self._take_answer():
            # Cut first: a thread that waits for bytes has the lock until its read fails.
            cut(answer)
            with self._reading:
                answer.close()

    def _take_answer(self) -> Answer | None:
        """Return the answer to only the first caller: its connection may soon be used elsewhere."""
        answer, self._answer = self._answer, None
        return answer

    @override
    def __iter__(self) -> Iterator[bytes]:
        return self.chunks()


class Wire:
    """Signed requests to one bucket, over kept connections.

    Args:
        place: the bucket's address for requests.
        signers: returns the signer of each request.
    """

    def __init__(self, place: "BucketPlace", signers: Signers) -> None:
        self._origin = place.origin
        self._signed = partial(signed_request, place, signers)
        self._kept, self._new = (
            http_threads.client(
                place.tls if place.is_tls else None,
                connect_seconds=CONNECT_TIMEOUT_SECONDS,
                read_seconds=READ_TIMEOUT_SECONDS,
                most_idle=most_idle,
                idle_seconds=MAX_IDLE_SECONDS,
            )
            for most_idle in (MAX_IDLE_CONNECTIONS, 0)
        )

    def put(
        self, name: str, chunks: Chunks, *, size_bytes: int, content_type: str, sha256: str
    ) -> None:
        """Save an object, replacing an existing one."""
        sent = self._signed(
            "PUT", name, kept_with(content_type), sha256=sha256, size_bytes=size_bytes
        )
        _require_success("PutObject", self._send("PUT", *sent, chunks))

    def get(self, name: str) -> ObjectStream:
        """Start reading an object."""
        answer = self._send("GET", *self._signed("GET", name))
        if answer.status_code != HTTPStatus.OK:
            _require_success("GetObject", answer)
        if (length := answer.headers.get("content-length")) is None:
            answer.close()
            raise StorageFailed("GetObject: an answer without a length")
        return ObjectStream(answer, name, int(length))

    def require(self, name: str) -> None:
        """Raise ObjectMissing unless the object is there."""
        _require_success("HeadObject", self._send("HEAD", *self._signed("HEAD", name)))

    def close(self) -> None:
        """Close all connections."""
        self._kept.close()
        self._new.close()

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], chunks: Chunks | None = None
    ) -> Answer:
        """Return the answer; without one, or after a 5xx, send the request once more.

        That covers a kept connection that the server has just closed: the second is always new.
        """
        url = self._origin + path

        def ask(client: Client) -> Answer:
            body = None if chunks is None else chunks()
            request = client.build_request(method, url, headers=headers, content=body)
            return client.send(request, stream=True)

        try:
            answer = ask(self._kept)
            if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                return answer
            answer.close()
        except (OSError, TransportError):
            pass
        try:
            return ask(self._new)
        except (OSError, TransportError) as error:
            raise failure_of(error) from error


class BucketPlace:
    """A bucket's address: the parts of its urls, and the TLS settings for its server."""

    def __init__(self, base_url: str, bucket: str, *, ca_bundle: str = "") -> None:
        parts = urlsplit(base_url)
        self.is_tls = parts.scheme == "https"
        usual = 443 if self.is_tls else 80
        self.address = (parts.hostname or "", parts.port or usual)
        self.host = parts.netloc
        # Clients leave the usual port out of `Host`, which the signature covers.
        if parts.port == usual:
            self.host = self.host.removesuffix(f":{parts.port}")
        self._before = f"{parts.path.rstrip('/')}/{percent_encode(bucket)}"
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._ca_bundle = ca_bundle

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """Verifies certificates against the bundle's authorities; without a bundle, certifi's."""
        return ssl.create_default_context(cafile=self._ca_bundle or certifi.where())

    def path_of(self, name: str) -> str:
        """The path of an object's url, encoded."""
        return f"{self._before}/{percent_encode(name, also='/')}"


def kept_with(content_type: str) -> dict[str, str]:
    """The headers stored with an object: its type, and how long a client may keep it.

    That is as long as a url is valid; shared caches may not keep it.
    """
    return {
        "content-type": content_type,
        "cache-control": f"private, max-age={settings.URL_EXPIRY_SECONDS}",
    }


def signed_request(
    place: BucketPlace,
    signers: Signers,
    method: str,
    name: str,
    headers: Mapping[str, str] | None = None,
    *,
    sha256: str = NO_BYTES,
    size_bytes: int | None = None,
) -> tuple[str, dict[str, str]]:
    """A request's path, and its headers with those that sign it."""
    path, named = place.path_of(name), {**(headers or {}), "host": place.host}
    sent = signers().headers(method, path, named, body_sha256=sha256, now=clock.now())
    if size_bytes is not None:
        sent["content-length"] = str(size_bytes)
    return path, sent


def _require_success(operation: str, answer: Answer) -> None:
    """Read the rest of a short answer; raise unless it reports success."""
    try:
        with closing(answer):
            body = next(answer.iter_raw(CHUNK_BYTES), b"")
    except TransportError as error:
        raise failure_of(error) from error
    require_ok(operation, answer.status_code, body)


def require_ok(operation: str, status: int, body: bytes) -> None:
    """Raise the server's error unless the answer is 200."""
    if status != HTTPStatus.OK:
        match = _CODE.search(body)
        code = match[1].decode() if match else str(status)
        kind = ObjectMissing if code in MISSING else StorageFailed
        raise kind(f"{operation}: {code}")


def failure_of(error: Exception) -> StorageFailed:
    """The error for a request without an answer."""
    return StorageFailed(f"{type(error).__name__}: {error}")
