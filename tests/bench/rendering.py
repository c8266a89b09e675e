"""CPU of making one images answer: by our own objects, afresh by DRF, by pydantic, by hand.

    .venv/bin/python -m tests.bench.rendering

Needs no running stack. Evidence for docs/adr/0011.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import django
from pydantic import BaseModel

ROUNDS = 3000
USAGE = {
    "input_tokens": 12,
    "output_tokens": 1756,
    "total_tokens": 1768,
    "input_tokens_details": {"text_tokens": 12, "image_tokens": 0},
    "images": 1,
}
METADATA = {
    "requested_size": "1024x1024",
    "upstream_size": "1024x1024",
    "delivered_sizes": ["1024x1024"],
    "size_plan": "native",
    "ignored": [],
    "content_credentials": [{"status": "none", "marked": True}],
}


class _Item(BaseModel):
    url: str | None = None
    b64_json: str | None = None
    revised_prompt: str | None = None


class _Details(BaseModel):
    text_tokens: int
    image_tokens: int


class _Usage(BaseModel):
    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: _Details
    images: int
    cost: str


class _Metadata(BaseModel):
    generation_id: str
    requested_size: str
    upstream_size: str
    delivered_sizes: list[str]
    size_plan: str
    ignored: list[str]
    url_expires_at: int | None = None


class _Answer(BaseModel):
    created: int
    data: list[_Item]
    size: str
    quality: str | None = None
    background: str | None = None
    output_format: str
    usage: _Usage
    metadata: _Metadata


def microseconds(make: Callable[[], object]) -> float:
    """CPU of one call, on average."""
    make()
    started = time.process_time()
    for _ in range(ROUNDS):
        make()
    return (time.process_time() - started) / ROUNDS * 1e6


def main() -> None:
    """Print a line for each."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")
    django.setup()
    from generation.api.objects import ImagesAnswer  # noqa: PLC0415 - needs the settings
    from generation.api.shown import Result, ShownImage  # noqa: PLC0415 - as above
    from generation.models import Generation  # noqa: PLC0415 - as above

    answer: dict[str, Any] = {"created": 1_795_000_000, "size": "1024x1024", "quality": "medium"}
    answer |= {"output_format": "png", "usage": USAGE, "metadata": METADATA}
    generation = Generation(captured_micros=52_680, answer=answer)
    result = Result(generation, [ShownImage(url="https://x/" + "a" * 300)], url_expires_at=1)
    rendered = ImagesAnswer.render(result)
    makers: dict[str, Callable[[], object]] = {
        "a dict by hand": lambda: json.dumps(rendered),
        "ApiObject.render": lambda: json.dumps(ImagesAnswer.render(result)),
        "DRF, a new serializer each": lambda: json.dumps(ImagesAnswer(result).data),
        "pydantic v2": lambda: _Answer.model_validate(rendered).model_dump_json(exclude_none=True),
    }
    for name, make in makers.items():
        sys.stdout.write(f"{name:<28}{microseconds(make):8.1f} µs\n")


if __name__ == "__main__":
    main()
