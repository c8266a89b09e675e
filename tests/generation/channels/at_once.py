"""Orders of wires that are answered at once, without a socket."""

import asyncio
import json
from typing import Any

import pytest

from generation.channels.base import UpstreamRequest
from generation.channels.errors import UpstreamError
from generation.channels.wires import Call, Images, Reply, Steps, Wire


def begun(wire: Wire, request: UpstreamRequest) -> tuple[Steps, Call]:
    steps = wire.make(request)
    call = next(steps)
    assert isinstance(call, Call)
    return steps, call


def sent(wire: Wire, request: UpstreamRequest) -> dict[str, Any]:
    """The JSON of the order."""
    _, call = begun(wire, request)

    async def read() -> bytes:
        assert call.body is not None
        return b"".join([piece async for piece in call.body.chunks()])

    body: dict[str, Any] = json.loads(asyncio.run(read()))
    return body


def made(wire: Wire, request: UpstreamRequest, document: dict[str, Any]) -> Images:
    """What a good answer comes to."""
    steps, _ = begun(wire, request)
    with pytest.raises(StopIteration) as end:
        steps.send(Reply(200, document=document))
    images: Images = end.value.value
    return images


def refused(
    wire: Wire, request: UpstreamRequest, document: dict[str, Any], status: int = 200
) -> UpstreamError:
    steps, _ = begun(wire, request)
    with pytest.raises(UpstreamError) as raised:
        steps.send(Reply(status, document=document))
    return raised.value
