"""OpenAI's images wire format: our request to fields, its JSON to images and facts. Pure.

Source: OpenAI's API reference, "Create image" and "Create image edit" (20 Nov 2026). A generation
is JSON, an edit a form with files.
Relays differ: some answer with `images` for `data`, with one object or a bare address for an array,
with `image_url` for `url`, or put a data URI where a url belongs. Pictures are searched in all of
these shapes, within one another:

    {"data": {"data": [{"b64_json": "…"}]}}
    {"output": [{"type": "image_generation_call", "result": "…"}]}
    {"choices": [{"message": {"images": [{"image_url": {"url": "data:…"}}]}}]}
    {"choices": [{"message": {"content": "![a fox](https://…)"}}]}
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from billing.upstream_cost import MAX_TOKENS
from generation.channels.answers import MAX_ENTRIES, seed_in, storable
from generation.channels.base import ChannelConfig, TokenUsage, UpstreamAnswer, UpstreamRequest
from generation.channels.declaration import Task
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.form_body import FilePart
from generation.channels.wires import Found, given

MAX_WORDS_DEPTH = 8
MAX_WORD_CHARS = 40

BASE64_KEYS = ("b64_json", "b64", "base64", "image_base64", "bytesBase64Encoded")
HOLDERS = (
    "data", "images", "image", "output", "choices", "response", "item", "result", "results",
    "message", "delta", "content", "text", "output_text", "artifacts", "predictions", "candidates",
    "parts", "inlineData", "inline_data",
)  # fmt: skip
"""Where pictures and those who hold pictures stand; the first of them that has any counts."""
_FACTS = ("size", "quality", "output_format", "background", "model")
_BARE = frozenset({"data", "images"})
"""Arrays whose strings are pictures without more."""
_MAX_TEXT_CHARS = 20_000
_MIN_RESULT_CHARS = 40
"""Shorter ones are words such as `success`; the placeholder of a long string is longer."""
_MARKDOWN = re.compile(r'!\[[^]]*\]\(\s*<?(\S+?)>?(?:\s+"[^"]*")?\s*\)')
_ENCODED = re.compile(
    "data:image/|iVBORw0KGg|/9j/|UklGR|long-string-[0-9a-f]{32}-[0-9]+$", re.IGNORECASE
)
"""The begin of a data URI, or of a png, jpeg or webp in base64; a placeholder."""
_ABSOLUTE = re.compile("https?://", re.IGNORECASE)
_RELATIVE = re.compile(r"/v1/|/\S*[^A-Za-z0-9+/=_\s-]")
"""SGLang's `/v1/images/ID/content`; other paths have a character that base64 lacks, as a point."""

_SD_SERVER_WORDS = "<sd_cpp_extra_args"
_SPOKEN = (
    "data", "response", "choices", "output", "message", "content", "parts", "text", "refusal",
    "output_text",
)  # fmt: skip
"""Where words and those who hold words stand."""

PATHS = {Task.GENERATE: "images/generations", Task.EDIT: "images/edits"}
"""Variations are retired (12 May 2026): they are made by edits."""


def endpoint(account: ChannelConfig, task: Task = Task.GENERATE) -> str:
    """The address for a task."""
    return f"{account.root('v1')}/{PATHS[task]}"


def check_words(request: UpstreamRequest) -> None:
    """Refuse words that sd-server obeys: they override size, steps and everything else.

    Not cut out, as what is left could be such words. Source: stable-diffusion.cpp, server
    (August 2026).
    """
    if _SD_SERVER_WORDS in f"{request.prompt} {request.fields}":
        raise UpstreamError(
            AttemptClass.REJECTED,
            "words for sd-server",
            public_message=f"The prompt must not have '{_SD_SERVER_WORDS}'.",
            public_param="prompt",
        )


def response_format(upstream_model: str) -> str | None:
    """The `response_format` to send, if any.

    gpt-image models refuse the field and always answer with base64; dall-e models answer with urls
    unless asked (OpenAI's API reference).
    """
    return "b64_json" if upstream_model.startswith("dall-e-") else None


def asks_for_stream(request: UpstreamRequest, upstream_model: str) -> bool:
    """True if events are to be requested: dall-e models have none (OpenAI's API reference)."""
    return request.partial_images > 0 and not upstream_model.startswith("dall-e-")


def request_fields(request: UpstreamRequest, *, model: str) -> dict[str, object]:
    """The fields to send: those with a None are absent, `fields` are unchanged."""
    is_streamed = asks_for_stream(request, model)
    named = given(
        model=model,
        prompt=request.prompt,
        n=request.n,
        size=request.size,
        quality=request.quality,
        output_format=request.output_format,
        output_compression=request.output_compression,
        response_format=response_format(model),
        stream=True if is_streamed else None,
        partial_images=request.partial_images if is_streamed else None,
    )
    return {**named, **request.fields}


def files(request: UpstreamRequest) -> list[FilePart]:
    """The files of an edit: one image as `image`, several as `image[]`, and what lies over it."""
    name = "image" if len(request.images) == 1 else "image[]"
    parts = [FilePart(name, image) for image in request.images]
    over = {"mask": request.mask, "markup": request.markup}
    return [*parts, *(FilePart(field, image) for field, image in over.items() if image)]


def images_in(document: dict[str, object], *, most: int) -> list[Found]:
    """The first images an answer holds, in order; entries without one are left out.

    Those without a seed have the answer's.
    """
    found, seed = _pictures(document, "", depth=0)[:most], seed_in(document)
    return [each if each.seed is not None else replace(each, seed=seed) for each in found]


def facts(document: dict[str, object]) -> UpstreamAnswer:
    """The answer's size, usage and so on, if need be out of its envelope; no images."""
    inner = (document.get(key) for key in ("data", "response"))
    named = {**document, **next((each for each in inner if isinstance(each, dict)), {})}
    words: dict[str, Any] = {name: word_of(named, name) for name in _FACTS}
    return UpstreamAnswer((), usage=usage_of(named), **words)


def words_in(document: dict[str, object]) -> str:
    """What an answer says in place of an image; "" without words."""
    spoken: list[object] = [document.get(key) for key in _SPOKEN]
    return " ".join(word for value in spoken for word in _words_of(value, depth=0))


def usage_of(document: dict[str, object]) -> TokenUsage | None:
    """Token counts, if the answer has them."""
    usage = document.get("usage")
    if not isinstance(usage, dict):
        return None
    # Some relays count in the words of the chat API.
    output = _count(usage.get("output_tokens", usage.get("completion_tokens")))
    if output is None:
        return None
    entered = _count(usage.get("input_tokens", usage.get("prompt_tokens"))) or 0
    details = usage.get("input_tokens_details")
    details = details if isinstance(details, dict) else {}
    return TokenUsage(
        input_tokens=entered,
        output_tokens=output,
        total_tokens=_count(usage.get("total_tokens")) or entered + output,
        input_text_tokens=_count(details.get("text_tokens")) or 0,
        input_image_tokens=_count(details.get("image_tokens")) or 0,
    )


def word_of(document: dict[str, object], key: str) -> str | None:
    """A short string of the answer, such as its `quality`; anything else is None."""
    value = document.get(key)
    return value if isinstance(value, str) and 0 < len(value) <= MAX_WORD_CHARS else None


def _pictures(value: object, holder: str, *, depth: int) -> list[Found]:
    if depth > MAX_WORDS_DEPTH or not value:
        return []
    if isinstance(value, list):
        return [
            image
            for entry in value[:MAX_ENTRIES]
            for image in _pictures(
                {"url": entry} if holder in _BARE and isinstance(entry, str) else entry,
                holder,
                depth=depth + 1,
            )
        ]
    image = _image_in(value) if isinstance(value, str) else _image_of(value, is_entry=depth > 0)
    if image is not None:
        return [image]
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("url"), list):
        return _pictures(value["url"], "images", depth=depth + 1)
    held = (_pictures(value[key], key, depth=depth + 1) for key in HOLDERS if key in value)
    return next(filter(None, held), [])


def _image_in(text: str) -> Found | None:
    """The picture of which a text consists: Markdown, an address or a data URI."""
    if len(text) > _MAX_TEXT_CHARS:
        return None
    text = text.strip()
    markdown = _MARKDOWN.fullmatch(text)
    text = markdown[1] if markdown else text
    if len(text.split()) == 1 and (_is_address(text) or _ENCODED.match(text)):
        return _image_of({"url": text})
    return None


def _image_of(entry: object, *, is_entry: bool = True) -> Found | None:
    """The image of an entry; of a whole document by base64 only, as its url may be a help page."""
    if not isinstance(entry, dict):
        return None
    encoded = next((text for key in BASE64_KEYS if (text := _text(entry.get(key)))), None)
    encoded = encoded or (_result_of(entry) if is_entry else None)
    url = (_text(entry.get("url")) or _address_in(entry.get("image_url"))) if is_entry else None
    if url and not _is_address(url):  # a data URI, base64, or a placeholder for one of these
        encoded, url = encoded or url, None
    if not encoded and not url:
        return None
    return Found(
        base64=encoded or "",
        url="" if encoded else url or "",
        revised_prompt=storable(_text(entry.get("revised_prompt"))),
        seed=seed_in(entry),
    )


def _result_of(entry: dict[str, object]) -> str | None:
    """The base64 in a Responses item's `result`."""
    text = _text(entry.get("result"))
    return text if text and len(text) > _MIN_RESULT_CHARS and " " not in text else None


def _address_in(image_url: object) -> str | None:
    """The address in an `image_url`, which is an address or an object with one."""
    return _text(image_url.get("url") if isinstance(image_url, dict) else image_url)


def _is_address(text: str) -> bool:
    """True if the text is an address, or a path at the upstream."""
    return bool(_ABSOLUTE.match(text.strip()) or _RELATIVE.match(text.strip()))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _words_of(value: object, *, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and depth < MAX_WORDS_DEPTH:
        for each in value:
            yield from _words_of(each, depth=depth + 1)
    elif isinstance(value, dict) and depth < MAX_WORDS_DEPTH:
        for key in _SPOKEN:
            yield from _words_of(value.get(key), depth=depth + 1)


def _count(value: object) -> int | None:
    """A number of tokens; None for what is none, or is more than any call can have."""
    if isinstance(value, bool) or not isinstance(value, int):  # a bool is an int
        return None
    return value if 0 <= value <= MAX_TOKENS else None
