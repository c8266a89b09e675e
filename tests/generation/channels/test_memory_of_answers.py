"""An answer of many pictures takes no more memory than one of a single picture."""

import asyncio
import base64
import json
import os
import sys
from pathlib import Path

import pytest

from generation.channels.base64_stream import AnswerStream
from tests.fakes.gemini_models import GeminiModels
from tests.generation.channels.printing import tells

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
LARGE = os.urandom(10_000_000)
"""As many bytes as a picture of 4K has."""


@pytest.fixture
def peak(upstream):
    """Return the most that ten orders at once at the upstream add to Python's heap (bytes)."""

    async def weigh(kind: str) -> int:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            ROOT / "tests/generation/channels/weigh_orders.py",
            kind,
            upstream.url,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"},
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await child.communicate()
        return int(told)

    return weigh


@pytest.mark.thorough
@pytest.mark.parametrize("draft_bytes", [50_000, 250_000, 3_000_000])
async def test_ten_of_geminis_at_once_take_as_much_as_ten_of_openais(peak, upstream, draft_bytes):
    upstream.script = tells({"data": [{"b64_json": base64.b64encode(LARGE).decode()}]})
    of_openai = await peak("openai")
    upstream.script = GeminiModels(LARGE, drafts=(os.urandom(draft_bytes),) * 3).made()
    of_gemini = await peak("gemini")

    assert of_gemini < 1.1 * of_openai


def test_the_images_of_an_answer_share_the_memory_of_one(spools):
    stream = AnswerStream(spools, max_images=4, max_image_bytes=300_000)
    sizes = {"a": 60_000, "b": 70_000, "c": 250_000, "d": 65_000}
    encoded = {name: base64.b64encode(os.urandom(size)).decode() for name, size in sizes.items()}

    stream.feed(json.dumps(encoded).encode())

    images = [stream.image(each) for each in stream.finish().values()]
    assert [image and image.is_in_memory for image in images] == [True, False, False, True]
