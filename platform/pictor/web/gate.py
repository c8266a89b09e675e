"""The body gate in front of Django, which keeps no large body of a caller without a key.

Django reads (and spools) a whole body before any view: 400 MB without a key were accepted. Here the
key's form is checked at once, and the key itself before a large, chunked or gzip body is read. Then
the body is read within a byte cap, a minimum rate, a time limit and, for gzip, a cap on its
unpacked size. JSON strings too long for memory go to spool files, and so do the files of a form, on
the paths that accept forms.

The body is in `scope["pictor.body"]`, and Django gets an empty one. `scope["pictor.spools"]` is the
scope of its spools, which ends with the request at the latest.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any

from django.conf import settings

from pictor.kit.bytes.charsets import charset_of, is_readable
from pictor.kit.bytes.inflate import pieces_of
from pictor.kit.bytes.json_stream import (
    MAX_LONG_STRINGS,
    JsonRefused,
    JsonStream,
    JsonTooLarge,
    JsonTooManyLong,
)
from pictor.kit.bytes.multipart import FormLimits, is_form
from pictor.kit.bytes.spool import SpoolError, SpoolFull, Spools
from pictor.kit.bytes.spools import process_spools
from pictor.kit.endpoints import errors as api_errors
from pictor.kit.endpoints.body import Body, RawSink
from pictor.kit.words.errors import (
    InvalidRequest,
    PictorError,
    RequestTooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from pictor.web import body_reading
from pictor.web.edge import App, Receive, Scope, Send, header, is_api
from pictor.web.form_reading import read_form

LARGE_BYTES = 64 * 1024
"""Above this announced size, or without one, the key is looked up before the body is read."""
DIRECT_BYTES = 512 * 1024
"""A body announced up to this size is kept whole; larger, chunked or gzip ones are scanned."""
LONG_STRING_BYTES = 64 * 1024
"""In a scanned body, strings longer than this go to a spool, except for those of LONG_TEXTS."""
LONG_TEXTS = frozenset({"prompt", "style", "background"})
"""The fields that may hold longer text; every other long string is an image, or refused."""
MAX_REST_BYTES = 4 * 1024**2
"""The most bytes of a scanned body outside those strings: an amount that is harmless to parse."""
MAX_PACKED = 2
"""A form may unpack to JSON's limit plus this many times its size; images hardly compress."""
FORM_HEAD_BYTES = 1024
"""The head of a form's body names its first part."""
DRAIN_BYTES = 1024 * 1024
DRAIN_SECONDS = 1.0
"""After a refusal this much of the body is still read, so that the client reads the answer."""

METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


ReadKey = Callable[[bytes | None], str]
CheckKey = Callable[[str, str | None], Awaitable[str]]


class BodyGate:
    """Refuses or reads a body, and passes the request on.

    Args:
        app: the next application.
        read_key: returns the key in an Authorization header after checking its form.
        check_key: looks up a key for a caller's address; returns the key's owner.
        forms: the limits of forms by the paths that accept them; elsewhere a body is JSON.

    `read_key` and `check_key` raise the PictorError that refuses the request.
    """

    def __init__(
        self, app: App, *, read_key: ReadKey, check_key: CheckKey, forms: Mapping[str, FormLimits]
    ) -> None:
        self._app = app
        self._forms = forms
        self._read_key = read_key
        self._check_key = check_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_api(scope):
            await self._app(scope, receive, send)
            return
        with process_spools().scope() as spools:
            scope["pictor.spools"] = spools
            try:
                # As Django reads it: several are joined, so that none of them is a key.
                keys = (value for name, value in scope["headers"] if name == b"authorization")
                scope["pictor.key"] = self._read_key(b",".join(keys))
                scope["pictor.body"] = await self._read(scope, receive, spools)
            except body_reading.ClientGone:
                return
            except Exception as error:  # noqa: BLE001 - every failure here is an answer
                spools.close()  # before the client has read why
                await refuse(api_errors.as_pictor_error(error), receive, send)
                return
            await self._app(scope, receive, send)

    async def _read(self, scope: Scope, receive: Receive, spools: Spools) -> Body:
        if scope["method"] not in METHODS_WITH_BODY:
            return Body()
        content_type = header(scope, b"content-type") or b""
        form = self._forms.get(scope["path"]) if is_form(content_type) else None
        max_bytes = form.max_bytes if form else settings.MAX_JSON_BYTES
        too_large = partial(_too_large, max_bytes)
        announced = _announced_bytes(scope)
        if announced is not None and announced > max_bytes:
            await self._look_up(scope)
            raise too_large()
        is_packed = bool(_encoding(scope))
        if announced is None or announced > LARGE_BYTES or is_packed:
            spools.owner = await self._look_up(scope)
        arriving = body_reading.chunks(receive, max_bytes=max_bytes, too_large=too_large)
        chunks = _decode(scope, arriving, max_bytes=max_bytes)
        if form is not None:
            return await read_form(chunks, content_type=content_type, limits=form, spools=spools)
        if not is_form(content_type):
            chunks = _no_form(chunks)
        if charset := charset_of(content_type):
            chunks = _readable(chunks, charset)
        if announced is not None and announced <= DIRECT_BYTES and not is_packed:
            return Body(skeleton=b"".join([chunk async for chunk in chunks]))
        return await self._scan(chunks, spools)

    async def _look_up(self, scope: Scope) -> str:
        client = scope.get("client")
        return await self._check_key(scope["pictor.key"], client[0] if client else None)

    async def _scan(self, chunks: AsyncIterator[bytes], spools: Spools) -> Body:
        def open_sink(index: int, key: str) -> RawSink | None:
            if key in LONG_TEXTS:
                return None
            return RawSink(spools.new(max_bytes=settings.MAX_JSON_BYTES))

        stream: JsonStream[RawSink] = JsonStream(
            LONG_STRING_BYTES, open_sink, max_skeleton_bytes=MAX_REST_BYTES
        )
        try:
            async for chunk in chunks:
                stream.feed(chunk)
            skeleton, sinks = stream.finish()
        except JsonRefused as error:
            raise _json_refusal(error) from None
        except SpoolFull:
            raise Unavailable("There is no room for large requests just now.") from None
        except SpoolError:
            raise _too_large(settings.MAX_JSON_BYTES) from None
        return Body(skeleton, sinks, stream.index_of)


async def refuse(error: PictorError, receive: Receive, send: Send) -> None:
    """Answer before the body is read, read a little of it, then end the connection."""
    response = api_errors.response_of(error)
    headers = [(key.lower().encode(), value.encode()) for key, value in response.items()]
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    # Not ended yet: with its end, the server would close the connection.
    await send({"type": "http.response.body", "body": response.content, "more_body": True})
    # A socket closed with unread bytes is reset, and the client would lose the answer.
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await _drain(receive)
    except TimeoutError:
        pass
    await send({"type": "http.response.body", "body": b""})


async def _drain(receive: Receive) -> None:
    taken = 0
    while taken < DRAIN_BYTES:
        message = await receive()
        taken += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return


def _announced_bytes(scope: Scope) -> int | None:
    """Return Content-Length, 0 without one, or None for a chunked body."""
    chunked = header(scope, b"transfer-encoding") is not None
    return None if chunked else body_reading.content_length(scope)


def _encoding(scope: Scope) -> str:
    encoding = (header(scope, b"content-encoding") or b"").decode("latin-1").strip().lower()
    return "" if encoding == "identity" else encoding


def _json_refusal(error: JsonRefused) -> PictorError:
    if isinstance(error, JsonTooLarge):
        most = f"{MAX_REST_BYTES // 1024**2} MiB"
        return RequestTooLarge(f"Without its images, the body is larger than {most}.")
    if isinstance(error, JsonTooManyLong):
        long = f"{LONG_STRING_BYTES // 1024} KiB"
        return RequestTooLarge(
            f"The body holds more than {MAX_LONG_STRINGS} strings of over {long}."
        )
    return InvalidRequest(f"The body is not JSON: {error}.", code="invalid_json")


def _too_large(max_bytes: int) -> RequestTooLarge:
    return RequestTooLarge(f"The request body is larger than {max_bytes // 1024**2} MiB.")


async def _readable(chunks: AsyncIterator[bytes], charset: str) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        if not is_readable(chunk, charset):
            raise UnsupportedMediaType(f"The body is {charset!r}: send JSON as UTF-8.")
        yield chunk


async def _no_form(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Pass on a body; refuse a form whose Content-Type was lost on its way."""
    is_first = True
    async for chunk in chunks:
        if is_first and chunk[:2] == b"--" and b"form-data" in chunk[:FORM_HEAD_BYTES].lower():
            raise UnsupportedMediaType(
                "The body looks like a form: send it with Content-Type multipart/form-data and its"
                " boundary."
            )
        is_first = False
        yield chunk


async def _decode(
    scope: Scope, chunks: AsyncIterator[bytes], *, max_bytes: int
) -> AsyncIterator[bytes]:
    """Undo gzip, with a cap on the unpacked size; a large form's also depends on its own size."""
    encoding = _encoding(scope)
    if encoding not in {"", "gzip"}:
        raise UnsupportedMediaType("Content-Encoding must be gzip.")
    if not encoding:
        async for chunk in chunks:
            yield chunk
        return
    received = unpacked = 0
    inflate = zlib.decompressobj(wbits=31)  # 31: with gzip's header and checksum
    async for chunk in chunks:
        received += len(chunk)
        most = min(max_bytes, settings.MAX_JSON_BYTES + MAX_PACKED * received)
        for piece in _inflate(inflate, chunk):
            unpacked += len(piece)
            if unpacked > most:
                raise _too_large(most)
            yield piece
            await asyncio.sleep(0)  # a few bytes may unpack to many pieces: let others run
    if not inflate.eof:
        raise InvalidRequest("The gzip body is cut short.", code="invalid_json")


def _inflate(inflate: Any, chunk: bytes) -> Iterator[bytes]:
    try:
        yield from pieces_of(inflate, chunk)
    except zlib.error:
        raise InvalidRequest("The body is not gzip.", code="invalid_json") from None
    if inflate.unused_data:  # zlib would keep all further bytes, and copy them with each chunk
        raise InvalidRequest("There are bytes after the end of the gzip body.", code="invalid_json")
