"""An image's bytes as base64, however storage cuts them."""

from collections.abc import AsyncIterator

import pytest

from generation.api import base64_body
from storage.models import StoredImage


@pytest.mark.anyio
async def test_pieces_of_any_size_join_without_padding_between(monkeypatch):
    async def pieces(_key: str) -> AsyncIterator[bytes]:
        for piece in (b"a", b"b", b"cdef", b"ghi", b"jk"):
            yield piece

    monkeypatch.setattr(base64_body, "read_on_loop", pieces)

    chunks = [chunk async for chunk in base64_body.encode(StoredImage(object_key="any"))]

    assert chunks == [b"YWJjZGVm", b"Z2hp", b"ams="]
