"""Delivered images go to storage, each for its time; the wait for storage has the promised end."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from generation.dispatch.store import store
from pictor.kit import clock
from storage import backends
from storage.services import StorageFailed
from tests.factories import make_delivery


@pytest.fixture
def mute_storage(settings: Any) -> Iterator[None]:
    """An S3 server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        default = settings.STORAGES["default"]
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        options = {**default["OPTIONS"], "endpoint_url": url}
        settings.STORAGES = {**settings.STORAGES, "default": {**default, "OPTIONS": options}}
        yield


@pytest.mark.usefixtures("pooled_connections", "mute_storage")
def test_storage_that_hangs_is_given_up_when_the_time_for_it_is_over(claim, spools, settings):
    settings.STORAGE_RETRY_SECONDS = 1
    delivery = make_delivery(claim, spools)

    async def stores() -> None:
        async with asyncio.timeout(15):  # one call waits longer
            await store(claim, delivery)

    with pytest.raises(StorageFailed, match="no answer in 1 s"):
        asyncio.run(stores())


@pytest.mark.usefixtures("pooled_connections")
@pytest.mark.parametrize(
    ("livemode", "kept"), [(True, timedelta(days=30)), (False, timedelta(hours=23))]
)
def test_an_image_of_a_test_is_kept_for_less_than_a_day(claim, spools, livemode, kept):
    backends.ensure_bucket()
    delivery = make_delivery(claim, spools)
    claim.generation.livemode = livemode
    begun_at = clock.now()

    (image,) = asyncio.run(store(claim, delivery))

    assert begun_at + kept <= image.expires_at <= clock.now() + kept
