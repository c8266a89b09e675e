"""Reference images on their way to an upstream: streamed from storage into the request's JSON."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from generation.channels.base import LargeValue
from pictor.kit import pools
from storage.services import open_stream


def large_values(inputs: Iterable[Mapping[str, Any]]) -> dict[str, LargeValue]:
    """By placeholder, what an adapter puts in its place: the text as it came, piece by piece."""
    return {
        one["placeholder"]: LargeValue(
            size_bytes=one["size_bytes"],
            read=_Stored(one["key"]).chunks,
            prefix=one["prefix"],
        )
        for one in inputs
    }


class _Stored:
    def __init__(self, key: str) -> None:
        self._key = key

    async def chunks(self) -> AsyncIterator[bytes]:
        """The object's bytes. Raises StorageFailed."""
        stream = await pools.storage(open_stream, self._key)
        try:
            while chunk := await pools.storage(next, stream, b""):
                yield chunk
        finally:
            stream.close()
