"""Everything outside /v1 on Django's stock handler: 8 turns at a time, each of 30 s at most.

The stock handler gives each request a thread and reads the whole body before any view can refuse
it; pages need neither hundreds of threads nor, except for files, megabytes. A turn covers only the
work: a form is read before its turn and an answer is sent after it, so neither a slow sender nor a
slow reader holds one. A view that outlasts its turn runs on in its thread, beyond the 8. A larger
form is read only if its sender has signed in, which is checked before the first byte, and the
largest only on pages that accept files.
"""

import asyncio
import functools
import hashlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from importlib import import_module

from django.conf import settings
from django.http.cookie import parse_cookie
from django.http.request import split_domain_port, validate_host

from pictor.kit.bytes.spool import SpoolError, SpoolFile, Spools
from pictor.kit.bytes.spools import process_spools, strangers_spools
from pictor.kit.running.limits import KeyedLimit
from pictor.kit.words.client_addresses import counted_address
from pictor.kit.words.errors import InvalidRequest, RequestTimeout, RequestTooLarge, Unavailable
from pictor.web import body_reading
from pictor.web.edge import App, Message, Receive, Scope, Send, header
from pictor.web.gate import refuse

MAX_TURNS = 8
OF_ONE_CALLER = 3
"""The most turns of one session, or of one address without a session."""
OF_ONE_ADDRESS = 6
"""The most turns of one address, including those of invented sessions."""
OF_PROGRAMS = 2
"""The most turns of programs at /ops/v1/, of one key and of all: people come first."""
WITH_FILES = 2
"""The most turns for forms with files: each file is stored and decoded within its turn."""
TURN_SECONDS = 30.0
"""A request without an answer by then gets a 503; its view still runs to its end."""
MAX_STRANGERS_BYTES = 64 * 1024
"""The largest form for which the sender is not looked up."""
MAX_BODY_BYTES = 8 * 1024**2
MAX_UPLOAD_BYTES = settings.MAX_JSON_BYTES * 3 // 4
"""The largest form with files: as much as the API accepts, in which files are base64."""
MAX_ANSWER_BYTES = 256 * 1024**2
MEMORY_BYTES = 32 * 1024
"""Forms and answers above this size wait on disk."""
PIECE_BYTES = 64 * 1024
MAX_PORT_CHARS = 5
"""Django takes any number of digits, and repeats them in the addresses that it builds."""
DOOR = "/ops/v1/"
OWNER = "site"
"""The owner of answers in the spool budget."""

LookUp = Callable[[str, str], Awaitable[tuple[str, bool]]]
"""From a path and a session to the owner in whose spool share a form above MAX_STRANGERS_BYTES
counts (empty for a stranger), and whether it may be as large as MAX_UPLOAD_BYTES."""


async def nobody(path: str, session: str) -> tuple[str, bool]:
    """Treat every sender as a stranger."""
    return "", False


class SiteHandler:
    """The stock handler behind its limits."""

    def __init__(self, app: App, *, sender: LookUp = nobody) -> None:
        self._app = app
        self._sender = sender
        self._turns = asyncio.Semaphore(MAX_TURNS)
        self._own = KeyedLimit(OF_ONE_CALLER)
        self._of_address = KeyedLimit(OF_ONE_ADDRESS)
        self._by_kind = {True: asyncio.Semaphore(WITH_FILES), False: asyncio.Semaphore(MAX_TURNS)}
        self._of_programs = asyncio.Semaphore(OF_PROGRAMS)
        self._begun: set[asyncio.Task[None]] = set()
        self._importing = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with process_spools().scope(OWNER) as spools:
                _check_host(scope)
                scope = _without_escapes(scope)
                answer = PageAnswer(spools)
                room, most = await self._room(scope)
                with room:
                    form = room.new(max_bytes=most, memory_bytes=MEMORY_BYTES)
                    too_large = functools.partial(_too_large, most)
                    async for chunk in body_reading.chunks(
                        receive, max_bytes=most, too_large=too_large
                    ):
                        form.write(chunk)
                        del chunk  # or it stays in memory until the next one comes
                    async with self._turn(scope):
                        await self._work(scope, form, answer)
                await answer.send(send)
        except body_reading.ClientGone:
            return
        except SpoolError:
            await refuse(Unavailable("There is no room for pages just now."), receive, send)
        except (InvalidRequest, RequestTimeout, RequestTooLarge, Unavailable) as error:
            await refuse(error, receive, send)

    @asynccontextmanager
    async def _turn(self, scope: Scope) -> AsyncIterator[None]:
        """Wait for a turn, fair between callers, and hold it."""
        if scope["path"].startswith(DOOR):
            # Counted by themselves, so that a script does not starve its office's browsers.
            async with self._of_programs, self._turns:
                yield
            return
        address, session = _address(scope), _session(scope)
        caller = hashlib.sha256(session.encode()).digest() if session else address
        content_type = header(scope, b"content-type") or b""
        kind = self._by_kind[content_type.lower().startswith(b"multipart/")]
        # The common turn comes last: a caller that waits for its own share must not hold it.
        async with self._own.turn(caller), self._of_address.turn(address), kind, self._turns:
            yield

    async def _room(self, scope: Scope) -> tuple[Spools, int]:
        """Return the scope for the form, in its sender's share, and the form's largest size."""
        announced = body_reading.content_length(scope)
        if announced <= MAX_STRANGERS_BYTES:
            return strangers_spools().scope(_address(scope)), MAX_STRANGERS_BYTES
        owner, may_send_files = await self._sender(scope["path"], _session(scope))
        most = MAX_UPLOAD_BYTES if may_send_files else MAX_BODY_BYTES
        if not owner:
            raise _too_large(MAX_STRANGERS_BYTES)
        if announced > most:
            raise _too_large(most)
        return process_spools().scope(owner), most

    async def _work(self, scope: Scope, form: SpoolFile, answer: "PageAnswer") -> None:
        """Make the page; raise Unavailable if it takes longer than TURN_SECONDS."""
        work = asyncio.create_task(self._make(scope, form, answer))
        self._begun.add(work)
        work.add_done_callback(self._begun.discard)
        done, _ = await asyncio.wait((work,), timeout=TURN_SECONDS)
        if not done:
            raise Unavailable("This page is taking too long just now.")
        work.result()

    async def _have_pages(self) -> None:
        """Import the pages on first use, in a thread, because it takes a quarter of a second."""
        # A module that is just being imported is in `sys.modules` already.
        if settings.ROOT_URLCONF in sys.modules and not self._importing.locked():
            return
        async with self._importing:  # after a failed import the next request tries again
            await asyncio.to_thread(import_module, settings.ROOT_URLCONF)

    async def _make(self, scope: Scope, form: SpoolFile, answer: "PageAnswer") -> None:
        await self._have_pages()
        messages = _messages(form)

        async def receive() -> Message:
            message = next(messages, None)
            if message is None:  # never report a disconnect: a page that has begun is finished
                await asyncio.Event().wait()
                raise AssertionError
            return message

        await self._app(scope, receive, answer.take)


class PageAnswer:
    """A page's answer, kept until its turn is over."""

    def __init__(self, spools: Spools) -> None:
        self._start: Message = {}
        self._body = spools.new(max_bytes=MAX_ANSWER_BYTES, memory_bytes=MEMORY_BYTES)

    async def take(self, message: Message) -> None:
        """Take the stock handler's messages. Raises SpoolError."""
        if self._body.is_closed:  # the turn timed out
            return
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._body.write(message.get("body", b""))

    async def send(self, send: Send) -> None:
        await send(self._start)
        for chunk in self._body.chunks(PIECE_BYTES):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _messages(form: SpoolFile) -> Iterator[Message]:
    for chunk in form.chunks(PIECE_BYTES):
        yield {"type": "http.request", "body": chunk, "more_body": True}
    yield {"type": "http.request", "body": b"", "more_body": False}


def _check_host(scope: Scope) -> None:
    """Refuse other hosts than ours; Django would send a page and log a traceback for each."""
    host = header(scope, b"host")
    name, port = split_domain_port(
        host.decode("latin-1") if host is not None else _own_address(scope)
    )
    is_served = name and validate_host(name, settings.ALLOWED_HOSTS)
    if not is_served or len(port) > MAX_PORT_CHARS:
        raise InvalidRequest("This host name is not served here.", code="unknown_host")


def _without_escapes(scope: Scope) -> Scope:
    """Remove cookies with a backslash: RFC 6265 allows none, and ours have none.

    Python up to 3.11.9 and 3.12.5 reads them in quadratic time (CVE-2024-7592).
    """
    headers = [
        (name, b";".join(cookie for cookie in value.split(b";") if b"\\" not in cookie))
        if name == b"cookie"
        else (name, value)
        for name, value in scope["headers"]
    ]
    return {**scope, "headers": headers}


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return counted_address(str(client[0])) if client else ""


def _session(scope: Scope) -> str:
    """Return the session's key as Django reads it: the last of several, empty without one."""
    cookies = b"; ".join(value for key, value in scope["headers"] if key == b"cookie")
    return parse_cookie(cookies.decode("latin-1")).get(settings.SESSION_COOKIE_NAME, "")


def _own_address(scope: Scope) -> str:
    """Return the name that Django uses if the Host header is missing."""
    server = scope.get("server")
    return server[0] if server else ""


def _too_large(most: int) -> RequestTooLarge:
    if most == MAX_STRANGERS_BYTES:
        return RequestTooLarge(
            f"A form above {most // 1024} KiB is accepted only from signed-in people, with its"
            " size given in advance."
        )
    return RequestTooLarge(f"A form may have at most {most // 1024**2} MiB.")
