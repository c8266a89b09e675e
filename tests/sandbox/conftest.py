from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

Post = Callable[..., httpx.Response]


@dataclass(frozen=True)
class Broken:
    """The received part of an answer that never ended."""

    status: int
    headers: httpx.Headers
    received: bytes
    error: Exception


@pytest.fixture
def client(sandbox_server: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": "Bearer any-key"}
    with httpx.Client(
        base_url=sandbox_server, headers=headers, timeout=20, trust_env=False
    ) as client:
        yield client


@pytest.fixture
def generate(client: httpx.Client) -> Post:
    def post(prompt: str = "a fox", **fields: Any) -> httpx.Response:
        body = {"model": "gpt-image-2", "prompt": prompt, **fields}
        return client.post("/v1/images/generations", json=body)

    return post


@pytest.fixture
def break_off(client: httpx.Client) -> Callable[..., Broken]:
    """Request an answer that breaks off; return what arrived, waiting 0.8 s for each byte."""

    def post(prompt: str, **fields: Any) -> Broken:
        body = {"prompt": prompt, **fields}
        received = bytearray()
        with client.stream("POST", "/v1/images/generations", json=body, timeout=0.8) as response:
            try:
                for chunk in response.iter_raw():
                    received += chunk
            except httpx.TransportError as error:
                return Broken(response.status_code, response.headers, bytes(received), error)
        raise AssertionError("the answer came to its end")

    return post
