"""The landing page's call: the request as curl, Python and Node, and its answer.

The image and the answer are those of one real generation by the sandbox upstream: `make landing`
makes the call again and stores both; a test compares them with a new call.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pictor.kit.words.money import Micros, from_decimal

MODEL, SIZE, QUALITY = "gpt-image-2-origin", "1536x1024", "medium"
OUTPUT_FORMAT, COMPRESSION = "webp", 80
PROMPT = "Layered hills under a pale morning sun"
BODY = {
    "model": MODEL,
    "prompt": PROMPT,
    "size": SIZE,
    "quality": QUALITY,
    "output_format": OUTPUT_FORMAT,
    "output_compression": COMPRESSION,
}
IMAGE = "console/img/hills.webp"
ANSWER = Path(__file__).with_name("landing.json")


@dataclass(frozen=True, slots=True)
class Snippet:
    language: str
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class SampleGeneration:
    """The generation that is shown: its answer as text, without the image's url."""

    answer: str
    cost: Micros
    size_bytes: int
    at: datetime


@cache
def made() -> SampleGeneration:
    """Read the answer that `make landing` stored."""
    stored: dict[str, Any] = json.loads(ANSWER.read_text(encoding="utf-8"))
    answer = stored["answer"]
    usage = {name: answer["usage"][name] for name in ("images", "cost")}
    generation = {"generation_id": answer["metadata"]["generation_id"]}
    text = (
        f'{{"created": {answer["created"]}, "data": [{{"url": "…"}}],\n'
        f' "size": "{answer["size"]}", "quality": "{answer["quality"]}",'
        f' "output_format": "{answer["output_format"]}",\n'
        f' "usage": {json.dumps(usage)},\n'
        f' "metadata": {json.dumps(generation)}}}'
    )
    return SampleGeneration(
        answer=text,
        cost=from_decimal(usage["cost"]),
        size_bytes=stored["size_bytes"],
        at=datetime.fromtimestamp(answer["created"], UTC),
    )


def snippets(origin: str) -> list[Snippet]:
    return [
        Snippet("curl", "curl", _CURL.replace("ORIGIN", origin)),
        Snippet("Python", "python", _PYTHON.replace("ORIGIN", origin)),
        Snippet("Node", "node", _NODE.replace("ORIGIN", origin)),
    ]


_CURL = f"""\
curl ORIGIN/v1/images/generations \\
  -H "Authorization: Bearer $PICTOR_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "{MODEL}",
       "prompt": "{PROMPT}",
       "size": "{SIZE}", "quality": "{QUALITY}",
       "output_format": "{OUTPUT_FORMAT}", "output_compression": {COMPRESSION}}}'"""

_PYTHON = f"""\
import os
from openai import OpenAI

client = OpenAI(base_url="ORIGIN/v1",
                api_key=os.environ["PICTOR_API_KEY"])
answer = client.images.generate(
    model="{MODEL}",
    prompt="{PROMPT}",
    size="{SIZE}", quality="{QUALITY}",
    output_format="{OUTPUT_FORMAT}", output_compression={COMPRESSION},
)
print(answer.data[0].url)"""

_NODE = f"""\
import OpenAI from "openai";

const client = new OpenAI({{
  baseURL: "ORIGIN/v1",
  apiKey: process.env.PICTOR_API_KEY,
}});
const answer = await client.images.generate({{
  model: "{MODEL}",
  prompt: "{PROMPT}",
  size: "{SIZE}", quality: "{QUALITY}",
  output_format: "{OUTPUT_FORMAT}", output_compression: {COMPRESSION},
}});
console.log(answer.data[0].url);"""
