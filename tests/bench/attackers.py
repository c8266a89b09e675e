"""Hostile clients, and honest ones beside them, in a process of their own.

Run as `python -m tests.bench.attackers`: an `Attack` as JSON on standard input; on standard output
the time of each honest call, by path, and the number of wrong answers.
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field

import aiohttp

from pictor.embedded.process import raise_file_limit
from tests.customers.customer import GENERATIONS

CALL_SECONDS = 60.0
"""Time after which an honest client gives up."""
SIGN_IN = "/accounts/login/"
SIGN_IN_PAUSE_SECONDS = 11.0
"""An account may sign in six times a minute."""
FORMS, FORM_ADDRESSES, FORMS_A_SECOND = 2_000, 8, 200
FORM_BYTES = 60 * 1024
"""A form above 32 KiB waits on disk, and 64 KiB is the limit."""
HALF_FORM_SECONDS = 5.0
Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Call = AbstractAsyncContextManager[aiohttp.ClientResponse]


@dataclass(frozen=True, kw_only=True)
class Attack:
    """The target, its key, and the duration."""

    host: str
    port: int
    api_key: str
    seconds: float
    kind: str = "slow"
    """`slow` clients, unfinished `forms`, or `none` here."""
    email: str = ""
    password: str = ""
    """Password of the honest client that signs in, opens the sign-in page and orders an image."""


@dataclass(kw_only=True)
class Endured:
    """Times and failures of honest clients."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    failed: int = 0


class Attackers:
    """Clients that keep at it and reconnect when cut off."""

    def __init__(self, attack: Attack) -> None:
        self._attack = attack
        self._ends_at = time.monotonic() + attack.seconds
        self._endured = Endured()
        hosts = [2 + number for number in range(FORM_ADDRESSES)] if attack.kind == "forms" else [1]
        self._addresses = itertools.cycle((f"127.0.0.{host}", 0) for host in hosts)

    @property
    def _goes_on(self) -> bool:
        return time.monotonic() < self._ends_at

    async def run(self) -> Endured:
        """Run all of them at once."""
        pause = 1 / FORMS_A_SECOND if self._attack.kind == "forms" else 0.0
        hostile = [
            self._again(kind, begins_after=number * pause)
            for count, kind in self._kinds()
            for number in range(count)
        ]
        async with self._session() as session:
            honest = [
                self._asks(session, path)
                for path in (
                    "/healthz",
                    "/readyz",
                    "/accounts/login/",
                    "/openapi.json",
                    "/v1/models",
                )
            ]
            if self._attack.email:
                honest += [self._asks(session, SIGN_IN), self._orders(session), self._signs_in()]
            await asyncio.gather(*hostile, *honest)
        return self._endured

    def _kinds(self) -> "list[tuple[int, Callable[[Wire], Awaitable[None]]]]":
        key = f"Authorization: Bearer {self._attack.api_key}\r\n"
        if self._attack.kind == "none":
            return []
        if self._attack.kind == "forms":
            half = _form(SIGN_IN, "", FORM_BYTES + 1_000) + b"a" * FORM_BYTES
            return [(FORMS, self._sends(half, b"a", HALF_FORM_SECONDS))]
        return [
            (50, self._sends(_form("/accounts/login/", ""), b"a", 1.0)),
            (30, self._sends(_form("/v1/images/generations", key), b"a", 1.0)),
            (40, self._sends(_head("X-Half: "), b"a", 1.0)),
            (10, self._sends(_head("X-Long: "), b"a" * 16_384, 0.001)),
            (20, self._sends(_head(""), b"X-More: a\r\n" * 50, 0.005)),
        ]

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            f"http://{self._attack.host}:{self._attack.port}",
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # accept cookies of an IP address
        )

    async def _again(self, kind: Callable[[Wire], Awaitable[None]], *, begins_after: float) -> None:
        await asyncio.sleep(begins_after)  # attackers come one after another
        while self._goes_on:
            try:
                wire = await asyncio.open_connection(
                    self._attack.host, self._attack.port, local_addr=next(self._addresses)
                )
                await kind(wire)
                wire[1].close()
            except OSError:
                await asyncio.sleep(0.05)  # a refused attacker comes again, at this pace

    def _sends(self, first: bytes, then: bytes, pause: float) -> Callable[[Wire], Awaitable[None]]:
        async def attack(wire: Wire) -> None:
            reader, writer = wire
            writer.write(first)
            while self._goes_on and not reader.at_eof():
                writer.write(then)
                await writer.drain()
                await asyncio.sleep(pause)  # the pause is the attack

        return attack

    async def _asks(self, session: aiohttp.ClientSession, path: str) -> None:
        headers = self._key() if "/v1/" in path else {}
        while self._goes_on:
            await self._counted(path, session.get(path, headers=headers))
            await asyncio.sleep(0.1)  # the pace of an honest caller

    async def _orders(self, session: aiohttp.ClientSession) -> None:
        body = {"model": "gpt-image-2-origin", "prompt": "A fox", "quality": "low"}
        while self._goes_on:
            order = session.post(GENERATIONS, headers=self._key(), json=body)
            await self._counted("an image", order)
            await asyncio.sleep(0.1)  # the pace of an honest caller

    async def _signs_in(self) -> None:
        """An honest form: load the page and send its fields."""
        while self._goes_on:
            async with self._session() as session:
                await self._counted(SIGN_IN, session.get(SIGN_IN))
                cookies = {cookie.key: cookie.value for cookie in session.cookie_jar}
                form = {
                    "login": self._attack.email,
                    "password": self._attack.password,
                    "csrfmiddlewaretoken": cookies.get("csrftoken", ""),
                }
                posted = session.post(SIGN_IN, data=form, allow_redirects=False)
                await self._counted("a sign-in", posted, status=302)
            await asyncio.sleep(SIGN_IN_PAUSE_SECONDS)  # people do not sign in more often

    async def _counted(self, name: str, call: Call, *, status: int = 200) -> None:
        started = time.monotonic()
        try:
            async with call as answer:
                await answer.read()
                self._endured.failed += answer.status != status
        except (aiohttp.ClientError, TimeoutError):
            self._endured.failed += 1
        self._endured.seconds.setdefault(name, []).append(time.monotonic() - started)

    def _key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._attack.api_key}"}


def _head(last: str) -> bytes:
    return f"GET / HTTP/1.1\r\nHost: localhost\r\n{last}".encode()


def _form(path: str, headers: str, length: int = 1_000) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n"
    ).encode()


def main() -> None:
    """Attack, and print the times endured by honest clients."""
    raise_file_limit()
    attack = Attack(**json.load(sys.stdin))
    json.dump(asdict(asyncio.run(Attackers(attack).run())), sys.stdout)


if __name__ == "__main__":
    main()
