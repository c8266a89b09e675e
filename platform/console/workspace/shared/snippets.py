"""A request's body as code that sends it: curl, Python and Node, with OpenAI's own libraries.

Images are files next to the code: a generation sends them as base64, an edit or a variation as a
form's files.
"""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from console.site.calls import Snippet
from generation.channels.declaration import Task

_PYTHON_CALLS = {Task.VARIATION: "create_variation"}
_NODE_CALLS = {Task.VARIATION: "createVariation"}
"""The methods of OpenAI's libraries that are not named as their task."""
_KNOWN = frozenset(
    {
        *("model", "prompt", "n", "size", "quality", "response_format", "style", "background"),
        *("output_format", "output_compression", "user", "moderation", "stream", "partial_images"),
    }
)
"""The arguments of OpenAI's Python library; other fields go into its `extra_body`."""


def snippets_of(
    origin: str,
    body: Mapping[str, Any],
    references: Sequence[str] = (),
    *,
    response_format: str = "url",
    task: Task = Task.GENERATE,
) -> list[Snippet]:
    """The call from code; each snippet sends exactly this body, and the files with these names.

    `response_format` is the answer's: a url is printed, base64 becomes a file.
    """
    is_kept = response_format != "url" and "stream" not in body
    file = f"image.{body.get('output_format', 'png')}" if is_kept else ""
    command = curl(origin, body, references)
    if task != Task.GENERATE:
        command = _curl_form(origin, body, references, task)
    return [
        Snippet("curl", "curl", command),
        Snippet("Python", "python", _python(origin, body, references, file, task)),
        Snippet("Node", "node", _node(origin, body, references, file, task)),
    ]


def _curl_form(origin: str, body: Mapping[str, Any], files: Sequence[str], task: Task) -> str:
    name = "image[]" if len(files) > 1 else "image"
    texts = {key: one if isinstance(one, str) else json.dumps(one) for key, one in body.items()}
    return " \\\n  ".join(
        (
            f"curl {origin}/v1/images/{task}s",
            '-H "Authorization: Bearer $PICTOR_API_KEY"',
            *(f"--form-string {shlex.quote(f'{key}={text}')}" for key, text in texts.items()),
            *(f"-F {shlex.quote(f'{name}=@{file}')}" for file in files),
        )
    )


def curl(origin: str, body: Mapping[str, Any], references: Sequence[str] = ()) -> str:
    text = json.dumps(body, indent=1, ensure_ascii=False)
    data = _piped_body(text, references) if references else shlex.quote(text)
    return "\n".join(
        (
            f"curl {origin}/v1/images/generations \\",
            '  -H "Authorization: Bearer $PICTOR_API_KEY" \\',
            '  -H "Content-Type: application/json" \\',
            f"  -d {data}",
        )
    )


def curl_of_models(origin: str) -> str:
    """The shell command that lists the models; it needs only `images:read`."""
    return f'curl {origin}/v1/models \\\n  -H "Authorization: Bearer $PICTOR_API_KEY"'


def _piped_body(text: str, references: Sequence[str]) -> str:
    """The body through curl's standard input: files are longer than an argument may be."""
    literal = re.sub(r"[\\$`]", r"\\\g<0>", text.removesuffix("\n}"))
    files = ",\n".join(f'  "$(base64 < {shlex.quote(name)} | tr -d "\\n")"' for name in references)
    return f'@- <<JSON\n{literal},\n "image": [\n{files}\n ]\n}}\nJSON'


def _python(
    origin: str, body: Mapping[str, Any], references: Sequence[str], file: str, task: Task
) -> str:
    is_form, streams = task != Task.GENERATE, "stream" in body
    decoded = f'Path("{file}").write_bytes(b64decode(answer.data[0].b64_json))'
    encoded = () if is_form else references
    codecs = [name for name, used in (("b64decode", file), ("b64encode", encoded)) if used]
    printed = (
        "for event in answer:\n    print(event.type)" if streams else "print(answer.data[0].url)"
    )
    return "\n".join(
        (
            *((f"from base64 import {', '.join(codecs)}",) if codecs else ()),
            "import os",
            *(("from pathlib import Path",) if codecs else ()),
            "from openai import OpenAI",
            "",
            f'client = OpenAI(base_url="{origin}/v1",',
            '                api_key=os.environ["PICTOR_API_KEY"])',
            f"answer = client.images.{_PYTHON_CALLS.get(task, task)}(",
            *_python_arguments(body, references, is_form=is_form),
            ")",
            decoded if file else printed,
        )
    )


def _python_arguments(
    body: Mapping[str, Any], references: Sequence[str], *, is_form: bool
) -> list[str]:
    lines = [f"    {name}={value!r}," for name, value in body.items() if name in _KNOWN]
    further = [f"{name!r}: {value!r}" for name, value in body.items() if name not in _KNOWN]
    if is_form:
        opened = ", ".join(f"open({name!r}, 'rb')" for name in references)
        lines.append(f"    image={opened if len(references) == 1 else f'[{opened}]'},")
    elif references:
        files = [f"Path({name!r}).read_bytes()" for name in references]
        further.append(f"'image': [{', '.join(f'b64encode({file}).decode()' for file in files)}]")
    return [*lines, *([f"    extra_body={{{', '.join(further)}}},"] if further else [])]


def _node(
    origin: str, body: Mapping[str, Any], references: Sequence[str], file: str, task: Task
) -> str:
    is_form, streams = task != Task.GENERATE, "stream" in body
    lines = [f"  {name}: {json.dumps(value, ensure_ascii=False)}," for name, value in body.items()]
    if references:
        names = [json.dumps(name, ensure_ascii=False) for name in references]
        reads = "createReadStream({})" if is_form else 'readFileSync({}, "base64")'
        files = ", ".join(map(reads.format, names))
        lines.append(f"  image: {files if is_form and len(names) == 1 else f'[{files}]'},")
    reader = "createReadStream" if is_form else "readFileSync"
    calls = ((reader, references), ("writeFileSync", file))
    used = [name for name, is_used in calls if is_used]
    written = f'writeFileSync("{file}", answer.data[0].b64_json, "base64");'
    printed = "for await (const event of answer) console.log(event.type);"
    printed = printed if streams else "console.log(answer.data[0].url);"
    return "\n".join(
        (
            *((f'import {{ {", ".join(used)} }} from "node:fs";',) if used else ()),
            'import OpenAI from "openai";',
            "",
            "const client = new OpenAI({",
            f'  baseURL: "{origin}/v1",',
            "  apiKey: process.env.PICTOR_API_KEY,",
            "});",
            f"const answer = await client.images.{_NODE_CALLS.get(task, task)}({{",
            *lines,
            "});",
            written if file else printed,
        )
    )
