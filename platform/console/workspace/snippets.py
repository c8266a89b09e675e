"""A request's body as code that sends it: curl, Python and Node, with OpenAI's own libraries."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from console.site.calls import Snippet

_KNOWN = frozenset(
    {
        *("model", "prompt", "n", "size", "quality", "response_format", "style", "background"),
        *("output_format", "output_compression", "user", "moderation", "stream", "partial_images"),
    }
)
"""What OpenAI's Python library has arguments for; the rest goes into its `extra_body`."""


def snippets_of(origin: str, body: Mapping[str, Any]) -> list[Snippet]:
    """The call from code, to that address; each sends exactly this body."""
    return [
        Snippet("curl", "curl", curl(origin, body)),
        Snippet("Python", "python", _python(origin, body)),
        Snippet("Node", "node", _node(origin, body)),
    ]


def curl(origin: str, body: Mapping[str, Any]) -> str:
    """The call for a shell."""
    text = json.dumps(body, indent=1, ensure_ascii=False)
    return "\n".join(
        (
            f"curl {origin}/v1/images/generations \\",
            '  -H "Authorization: Bearer $PICTOR_API_KEY" \\',
            '  -H "Content-Type: application/json" \\',
            f"  -d {shlex.quote(text)}",
        )
    )


def _python(origin: str, body: Mapping[str, Any]) -> str:
    lines = [f"    {name}={value!r}," for name, value in body.items() if name in _KNOWN]
    further = {name: value for name, value in body.items() if name not in _KNOWN}
    if further:
        lines.append(f"    extra_body={further!r},")
    return "\n".join(
        (
            "import os",
            "from openai import OpenAI",
            "",
            f'client = OpenAI(base_url="{origin}/v1",',
            '                api_key=os.environ["PICTOR_API_KEY"])',
            "answer = client.images.generate(",
            *lines,
            ")",
            "print(answer.data[0].url)",
        )
    )


def _node(origin: str, body: Mapping[str, Any]) -> str:
    lines = [f"  {name}: {json.dumps(value, ensure_ascii=False)}," for name, value in body.items()]
    return "\n".join(
        (
            'import OpenAI from "openai";',
            "",
            "const client = new OpenAI({",
            f'  baseURL: "{origin}/v1",',
            "  apiKey: process.env.PICTOR_API_KEY,",
            "});",
            "const answer = await client.images.generate({",
            *lines,
            "});",
            "console.log(answer.data[0].url);",
        )
    )
