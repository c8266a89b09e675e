"""Edits and variations as a caller sends them, and pictures to send."""

import base64
import io
from typing import Any

import httpx
from PIL import Image

from tests.customers.customer import Customer

EDITS = "/v1/images/edits"
VARIATIONS = "/v1/images/variations"
FIELDS = {"model": "gpt-image-2", "prompt": "a red boat", "quality": "low"}
LOW = 5_880
READ = 2_048
"""The sandbox reads an image as 256 tokens."""
COLOURS = {"RGB": (200, 80, 20), "RGBA": (200, 80, 20, 128), "CMYK": (200, 80, 20, 128)}
LATER = {"Prefer": "respond-async"}


def picture(
    size: tuple[int, int] = (64, 48), image_format: str = "png", mode: str = "RGB"
) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, COLOURS.get(mode, 200)).save(file, image_format)
    return file.getvalue()


MASK = picture(mode="RGBA")
SQUARE = picture((64, 64))


def edit(
    customer: Customer, files: Any = None, *, headers: dict[str, str] | None = None, **fields: str
) -> httpx.Response:
    files = files or {"image": picture()}
    return customer.client.post(EDITS, data={**FIELDS, **fields}, files=files, headers=headers)


def data_uri(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def vary(customer: Customer, image: bytes = SQUARE, **fields: str) -> httpx.Response:
    return customer.client.post(VARIATIONS, data=fields, files={"image": image})
