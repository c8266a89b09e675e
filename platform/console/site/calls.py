"""The landing page's call: what is sent, as curl, Python and Node, and the image it made.

The image is a real answer of Pictor to exactly this call, drawn by the sandbox upstream.
"""

from dataclasses import dataclass

from pictor.kit.money import Micros, to_decimal

MODEL, SIZE, QUALITY = "gpt-image-2-origin", "1536x1024", "medium"
PROMPT = "Layered hills under a pale morning sun"
IMAGE = "console/img/hills.webp"


@dataclass(frozen=True, slots=True)
class Snippet:
    """One language's way of saying it."""

    language: str
    id: str
    text: str


def snippets(origin: str) -> list[Snippet]:
    """The call from code, to that address."""
    return [
        Snippet("curl", "curl", _CURL.replace("ORIGIN", origin)),
        Snippet("Python", "python", _PYTHON.replace("ORIGIN", origin)),
        Snippet("Node", "node", _NODE.replace("ORIGIN", origin)),
    ]


def answer(cost: Micros) -> str:
    """What of the answer says what it cost."""
    return (
        f'{{"data": [{{"url": "…"}}],\n'
        f' "size": "{SIZE}", "quality": "{QUALITY}",\n'
        f' "usage": {{"images": 1, "cost": "{to_decimal(cost)}"}}}}'
    )


_CURL = f"""\
curl ORIGIN/v1/images/generations \\
  -H "Authorization: Bearer $PICTOR_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "{MODEL}",
       "prompt": "{PROMPT}",
       "size": "{SIZE}", "quality": "{QUALITY}"}}'"""

_PYTHON = f"""\
import os
from openai import OpenAI

client = OpenAI(base_url="ORIGIN/v1",
                api_key=os.environ["PICTOR_API_KEY"])
answer = client.images.generate(
    model="{MODEL}",
    prompt="{PROMPT}",
    size="{SIZE}", quality="{QUALITY}",
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
}});
console.log(answer.data[0].url);"""
