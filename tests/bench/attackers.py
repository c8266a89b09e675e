"""150 hostile clients, and honest ones beside them, in a process of their own.

Run as `python -m tests.bench.attackers`: an `Attack` as JSON on standard input, on standard output
how long each honest call took, by path, and how many were not answered 200.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field

import aiohttp

CALL_SECONDS = 60.0
"""An honest client gives up then."""
Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, kw_only=True)
class Attack:
    """Where, with which key, and for how long."""

    host: str
    port: int
    api_key: str
    seconds: float


@dataclass(kw_only=True)
class Endured:
    """What honest clients saw."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    failed: int = 0


class Attackers:
    """Each keeps at it: whoever is cut off comes again."""

    def __init__(self, attack: Attack) -> None:
        self._attack = attack
        self._ends_at = time.monotonic() + attack.seconds
        self._endured = Endured()

    @property
    def _goes_on(self) -> bool:
        return time.monotonic() < self._ends_at

    async def run(self) -> Endured:
        """All of them at once."""
        key = f"Authorization: Bearer {self._attack.api_key}\r\n"
        kinds = [
            (50, self._sends(_form("/admin/login/", ""), b"a", 1.0)),
            (30, self._sends(_form("/v1/images/generations", key), b"a", 1.0)),
            (40, self._sends(_head("X-Half: "), b"a", 1.0)),
            (10, self._sends(_head("X-Long: "), b"a" * 16_384, 0.001)),
            (20, self._sends(_head(""), b"X-More: a\r\n" * 50, 0.005)),
        ]
        hostile = [self._again(kind) for count, kind in kinds for _ in range(count)]
        async with aiohttp.ClientSession(
            f"http://{self._attack.host}:{self._attack.port}",
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
        ) as session:
            honest = [
                self._asks(session, path)
                for path in ("/healthz", "/readyz", "/admin/login/", "/openapi.json", "/v1/models")
            ]
            await asyncio.gather(*hostile, *honest)
        return self._endured

    async def _again(self, kind: Callable[[Wire], Awaitable[None]]) -> None:
        while self._goes_on:
            try:
                wire = await asyncio.open_connection(self._attack.host, self._attack.port)
                await kind(wire)
                wire[1].close()
            except OSError:
                await asyncio.sleep(0.05)

    def _sends(self, first: bytes, then: bytes, pause: float) -> Callable[[Wire], Awaitable[None]]:
        async def attack(wire: Wire) -> None:
            reader, writer = wire
            writer.write(first)
            while self._goes_on and not reader.at_eof():
                writer.write(then)
                await writer.drain()
                await asyncio.sleep(pause)

        return attack

    async def _asks(self, session: aiohttp.ClientSession, path: str) -> None:
        headers = {"Authorization": f"Bearer {self._attack.api_key}"} if "/v1/" in path else {}
        while self._goes_on:
            started = time.monotonic()
            try:
                async with session.get(path, headers=headers) as answer:
                    await answer.read()
                    self._endured.failed += answer.status != 200
            except (aiohttp.ClientError, TimeoutError):
                self._endured.failed += 1
            self._endured.seconds.setdefault(path, []).append(time.monotonic() - started)
            await asyncio.sleep(0.1)


def _head(last: str) -> bytes:
    return f"GET / HTTP/1.1\r\nHost: localhost\r\n{last}".encode()


def _form(path: str, headers: str) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: 1000\r\n\r\n"
    ).encode()


def main() -> None:
    """Attack, and write down what was endured."""
    attack = Attack(**json.load(sys.stdin))
    json.dump(asdict(asyncio.run(Attackers(attack).run())), sys.stdout)


if __name__ == "__main__":
    main()
