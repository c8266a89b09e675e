"""Scripts of streamed answers for the upstream, and a collector for the caller's side."""

import base64
import json
from typing import Any

import pytest

from generation.channels.base import UpstreamPartial, UpstreamRequest
from generation.channels.errors import UpstreamError
from tests.fakes.raw_server import Script, says, sends

SECONDS = 5.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
PARTIAL, COMPLETED = "image_generation.partial_image", "image_generation.completed"
USAGE = {"input_tokens": 5, "output_tokens": 100, "total_tokens": 105}


def fox(n: int = 1, partial_images: int = 2, model: str = "gpt-image-2") -> UpstreamRequest:
    return UpstreamRequest(model=model, prompt="a fox", n=n, partial_images=partial_images)


def event(kind: str, image: bytes | None = None, **fields: Any) -> bytes:
    if image is not None:
        fields["b64_json"] = base64.b64encode(image).decode()
    data = json.dumps({"type": kind, **fields})
    return f"event: {kind}\ndata: {data}\n\n".encode()


def partial(image: bytes, index: int, **fields: Any) -> bytes:
    return event(PARTIAL, image, partial_image_index=index, **fields)


def streams(*events: bytes, request_id: str = "req_1") -> Script:
    """The events, then a proper end."""
    headers = {"Content-Type": "text/event-stream", "X-Request-Id": request_id}
    return says(b"".join(events), headers=headers)


def cut_off(*events: bytes, then_reset: bool = False) -> Script:
    """The events, then the connection is closed in the middle of the body."""
    head = HEAD + b"Content-Length: 90000000\r\n\r\n"
    return sends(head + b"".join(events), then_reset=then_reset)


class Collector:
    """Takes partial images as the dispatcher does."""

    def __init__(self) -> None:
        self.partials: list[UpstreamPartial] = []

    async def __call__(self, one: UpstreamPartial) -> None:
        self.partials.append(one)

    @property
    def places(self) -> list[tuple[int, int]]:
        return [(one.image, one.index) for one in self.partials]

    def contents(self) -> list[bytes]:
        return [one.spool.read_at(0, one.spool.size) for one in self.partials]

    def close(self) -> None:
        for one in self.partials:
            one.spool.close()


async def failure_of(channel: Any, request: UpstreamRequest, **options: Any) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await channel.generate(request, timeout_seconds=SECONDS, **options)
    return raised.value
