"""Room for the data of a request: the tenant's storage, and the day's bytes of tests."""

from collections.abc import Iterable
from datetime import datetime

from accounts.callers import Caller
from accounts.rates.daily_bytes import count_test_command, used_up
from pictor.kit.redis.client import send, send_async
from pictor.kit.words.errors import InsufficientQuota
from pictor.kit.words.untyped import Json


def require(caller: Caller, *, size_bytes: int, now: datetime) -> None:
    """Count the bytes of a test. Raises InsufficientQuota if there is no room.

    A live request counts nothing here: its tenant's stored bytes are known with the caller.
    """
    _require_storage(caller)
    if caller.livemode:
        return
    if not send(count_test_command(caller.tenant_id, size_bytes, now=now)):
        raise used_up()


async def require_async(caller: Caller, *, size_bytes: int, now: datetime) -> None:
    """Like `require`, on the running loop."""
    _require_storage(caller)
    if caller.livemode:
        return
    if not await send_async(count_test_command(caller.tenant_id, size_bytes, now=now)):
        raise used_up()


def _require_storage(caller: Caller) -> None:
    if caller.storage_full:
        raise InsufficientQuota(
            "The image storage of this workspace is full. Delete some images, or keep them for"
            " fewer days: storage is counted every hour. Nothing was made or charged.",
            limit="storage",
        )


def bytes_of(inputs: Iterable[Json]) -> int:
    """The bytes of the stored reference images."""
    return sum(image.get("size_bytes", 0) for image in inputs)
