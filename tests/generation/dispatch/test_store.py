"""Delivered images go to storage beside each other, until there is just time to settle."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from generation.dispatch import store as module
from generation.dispatch.storage_gate import Gate
from generation.dispatch.store import store
from pictor.kit.words import clock
from storage import backends
from storage.services import StorageFailed
from tests.fakes.raw_server import Received, Script, running, says
from tests.making.factories import make_delivery, open_gate

StorageAt = Callable[[str], None]
FULL = says(b"<Error><Code>XMinioStorageFull</Code></Error>", status=507)
FORBIDDEN = says(b"<Error><Code>AccessDenied</Code></Error>", status=403)
STORED = says(b"")


@pytest.fixture
def storage_at(settings: Any) -> StorageAt:
    """Point storage elsewhere for the rest of the test."""

    def point(host_port: str) -> None:
        default = settings.STORAGES["default"]
        options = {**default["OPTIONS"], "endpoint_url": f"http://{host_port}"}
        settings.STORAGES = {**settings.STORAGES, "default": {**default, "OPTIONS": options}}

    return point


@pytest.fixture
def mute_storage(storage_at: StorageAt) -> Iterator[None]:
    """An S3 server that accepts connections but never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        storage_at(f"127.0.0.1:{listener.getsockname()[1]}")
        yield


@pytest.mark.usefixtures("pooled_connections", "mute_storage")
def test_storage_that_hangs_is_given_up_five_seconds_before_the_deadline(claim, spools):
    delivery = make_delivery(claim, spools)

    async def stores() -> None:
        async with asyncio.timeout(15):  # one call waits longer
            await store(claim, delivery, gate=open_gate(), ends_at=time.monotonic() + 6)

    with pytest.raises(StorageFailed, match=r"not stored in [01] s"):
        asyncio.run(stores())


@pytest.mark.usefixtures("pooled_connections", "mute_storage")
def test_an_image_of_which_nothing_is_taken_closes_the_gate(claim, spools, monkeypatch):
    monkeypatch.setattr(module, "HUNG_SECONDS", 0.2)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    gate = open_gate()
    delivery = make_delivery(claim, spools)

    with pytest.raises(StorageFailed):
        asyncio.run(store(claim, delivery, gate=gate, ends_at=time.monotonic() + 6))

    assert (gate.is_open, gate.trouble) == (False, "nothing was taken or answered for 0 s")


@pytest.mark.usefixtures("pooled_connections")
def test_images_wait_beside_each_other_and_are_stored_once_storage_is_back(
    claim, spools, storage_at
):
    begun: set[str] = set()
    gate = open_gate()

    def until_all_are_refused(refusal: Script) -> Script:
        async def script(request: Received, writer: asyncio.StreamWriter) -> None:
            is_back = len(begun) == 10
            begun.add(request.target)
            await (STORED if is_back else refusal)(request, writer)

        return script

    delivery = make_delivery(claim, spools, sizes=[(1024, 1024)] * 10)

    async def stores() -> int:
        async with running(until_all_are_refused(FORBIDDEN)) as server:
            storage_at(server.host_port)
            rows = await store(claim, delivery, gate=gate, ends_at=time.monotonic() + 20)
            assert not any(image.spool.is_in_memory for image in delivery.images)
            return len(rows)

    assert asyncio.run(stores()) == 10
    assert gate.is_open


@pytest.mark.usefixtures("pooled_connections")
@pytest.mark.parametrize("refusal", [FULL, FORBIDDEN], ids=["full", "forbidden"])
def test_two_images_refused_at_their_first_try_close_the_gate(claim, spools, storage_at, refusal):
    gates: list[tuple[float, str]] = []
    gate = Gate(lambda most: gates.append((most, gate.trouble)))
    gate.proved()

    delivery = make_delivery(claim, spools, sizes=[(1024, 1024)] * 2)

    async def stores() -> None:
        async with running(refusal) as server:
            storage_at(server.host_port)
            await store(claim, delivery, gate=gate, ends_at=time.monotonic() + 6)

    with pytest.raises(StorageFailed):
        asyncio.run(stores())

    assert not gate.is_open
    assert [most for most, _ in gates] == [float("inf"), 0]


@pytest.mark.usefixtures("pooled_connections")
@pytest.mark.parametrize(
    ("livemode", "kept"), [(True, timedelta(days=30)), (False, timedelta(hours=23))]
)
def test_an_image_of_a_test_is_kept_for_less_than_a_day(claim, spools, livemode, kept):
    backends.ensure_bucket()
    delivery = make_delivery(claim, spools)
    claim.generation.livemode = livemode
    begun_at = clock.now()

    (image,) = asyncio.run(store(claim, delivery, gate=open_gate(), ends_at=time.monotonic() + 60))

    assert begun_at + kept <= image.expires_at <= clock.now() + kept
