"""Streamed answers as a caller receives them: events, one by one."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

from PIL import Image

from tests.customers.customer import GENERATIONS, Customer

PARTIAL, COMPLETED = "image_generation.partial_image", "image_generation.completed"


def streamed_to(
    customer: Customer, prompt: str, *, headers: dict[str, str] | None = None, **fields: Any
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name and the data of each event, as it arrives."""
    body = {
        "model": "gpt-image-2-origin",
        "prompt": prompt,
        "quality": "low",
        "stream": True,
        **fields,
    }
    with customer.client.stream("POST", GENERATIONS, json=body, headers=headers) as response:
        assert response.status_code == 200, response.read()
        name = ""
        for line in response.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            if line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))


def types_of(events: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [name for name, _ in events]


def picture_of(event: dict[str, Any]) -> tuple[str, tuple[int, int]]:
    """Format and size of an event's image, decoded whole."""
    image = Image.open(io.BytesIO(base64.b64decode(event["b64_json"])))
    image.load()
    return str(image.format), image.size
