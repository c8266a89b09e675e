"""Messages published on Redis, heard on an event loop until its connection fails."""

import asyncio
import socket
import time
from typing import Any

import pytest
import redis.asyncio
from redis.exceptions import RedisError
from typing_extensions import override

from pictor.kit.redis import client as redis_client
from pictor.kit.redis.client import send_async
from tests.kit.asking import command_of

CHANNEL = "test-of-listening"


class Listener:
    """A listener on the running loop that keeps every message."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, bytes]] = []
        self.begun, self._has_heard = asyncio.Event(), asyncio.Event()

    def hear(self, channel: bytes, message: bytes) -> None:
        self.heard.append((channel, message))
        self._has_heard.set()

    async def listen(self) -> None:
        await redis_client.listen("other", CHANNEL, hear=self.hear, begun=self.begun.set)

    async def hears(self, message: str) -> None:
        async with asyncio.timeout(5):
            await self.begun.wait()
            redis_client.client().publish(CHANNEL, message)
            await self._has_heard.wait()


def test_published_messages_are_heard_beside_questions_until_nobody_listens(run):
    async def listens() -> list[tuple[bytes, bytes]]:
        listener = Listener()
        listening = asyncio.create_task(listener.listen())
        await listener.hears("news")
        assert await send_async(command_of("ECHO", "here")) == b"here"
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
        return listener.heard

    assert run(listens()) == [(CHANNEL.encode(), b"news")]
    deadline = time.monotonic() + 10
    while redis_client.client().pubsub_numsub(CHANNEL) != [(CHANNEL.encode(), 0)]:
        assert time.monotonic() < deadline


def test_a_listener_is_told_when_its_connection_fails(run):
    async def listens() -> None:
        listener = Listener()
        listening = asyncio.create_task(listener.listen())
        await listener.begun.wait()
        redis_client.client().client_kill_filter(_type="pubsub")
        await listening

    with pytest.raises(RedisError):
        run(listens())


def test_a_listeners_own_error_ends_the_listening(run):
    class Fails(Listener):
        @override
        def hear(self, channel: bytes, message: bytes) -> None:
            super().hear(channel, message)
            raise LookupError(message)

    async def listens() -> None:
        listener = Fails()
        listening = asyncio.create_task(listener.listen())
        await listener.hears("news")
        await listening

    with pytest.raises(LookupError, match="news"):
        run(listens())


def test_a_listener_notices_within_45_seconds_that_the_server_vanished(run):
    """Nothing is sent on its connection, so without probes it would wait for ever."""

    async def options() -> tuple[int, int, int, int]:
        listener = Listener()
        listening = asyncio.create_task(listener.listen())
        await listener.hears("news")
        transport = wires[0].get_extra_info("socket")
        names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        idle, between, count = (transport.getsockopt(socket.IPPROTO_TCP, name) for name in names)
        is_alive = transport.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        listening.cancel()
        return is_alive, idle, between, count

    wires: list[Any] = []
    connect: Any = redis.asyncio.Connection.connect

    async def noted(self: Any, *args: Any) -> None:
        await connect(self, *args)
        wires.append(self._writer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redis.asyncio.Connection, "connect", noted)
        is_alive, idle, between, count = run(options())

    assert is_alive == 1
    assert idle + between * count == 45
