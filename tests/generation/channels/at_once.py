"""Wires that are answered without a socket, a step at a time."""

import asyncio
import json
from typing import Any

import pytest

from generation.channels.base import Job, UpstreamRequest
from generation.channels.errors import UpstreamError
from generation.channels.wires import Call, Images, Reply, Steps, Wire


def begun(wire: Wire, request: UpstreamRequest) -> tuple[Steps, Call]:
    steps = wire.make(request)
    call = next(steps)
    assert isinstance(call, Call)
    return steps, call


def bytes_of(call: Any) -> bytes:
    async def read() -> bytes:
        assert call.body is not None
        return b"".join([piece async for piece in call.body.chunks()])

    return asyncio.run(read())


def json_of(call: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(bytes_of(call))
    return body


def sent(wire: Wire, request: UpstreamRequest) -> dict[str, Any]:
    """The JSON of the order."""
    return json_of(begun(wire, request)[1])


def images_of(steps: Steps, reply: Reply) -> Images:
    """What a good answer comes to."""
    with pytest.raises(StopIteration) as end:
        steps.send(reply)
    images: Images = end.value.value
    return images


def error_of(steps: Steps, reply: Reply) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        steps.send(reply)
    return raised.value


def made(wire: Wire, request: UpstreamRequest, document: dict[str, Any]) -> Images:
    """What a good answer to the order comes to."""
    return images_of(begun(wire, request)[0], Reply(200, document=document))


def refused(
    wire: Wire, request: UpstreamRequest, document: dict[str, Any], status: int = 200
) -> UpstreamError:
    return error_of(begun(wire, request)[0], Reply(status, document=document))


def looked(
    wire: Wire, job: Job, request: UpstreamRequest, *replies: Reply
) -> tuple[Steps, list[Any]]:
    """An order that is followed through these answers, and what each led to."""
    steps = wire.resume(job, request)
    return steps, [next(steps), *(steps.send(reply) for reply in replies)]
