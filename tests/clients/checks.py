"""Checks for every client, and their report. Standard library only.

A client's script runs in an environment of its own, from this folder's lock files, and knows only a
base url and keys, from its environment. It writes one JSON object a line: check, ok, detail.
"""

import base64
import json
import os
import struct
import sys
import urllib.request
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# One size of each model, in pixels.
MODELS = {
    "dall-e-2": "256x256",
    "dall-e-3": "1792x1024",
    "gpt-image-1": "1536x1024",
    "gpt-image-2": "1920x1080",
    "gpt-image-2-pro": "2048x1152",
    "gpt-image-2-auto": "auto",
    "gpt-image-2-origin": "1344x1024",
}
AUTO_IS = "1024x1024"
"""The sandbox upstream's size for `auto`."""

BASE_URL = os.environ["PICTOR_CLIENT_BASE_URL"]
"""With /v1 at its end."""
KEY = os.environ["PICTOR_CLIENT_KEY"]
POOR_KEY = os.environ["PICTOR_CLIENT_POOR_KEY"]
"""Key of a tenant whose balance pays for nothing."""
NARROW_KEY = os.environ["PICTOR_CLIENT_NARROW_KEY"]
"""Key that may call only dall-e-2."""
BASE64_KEY = os.environ["PICTOR_CLIENT_BASE64_KEY"]
"""Key that answers with b64_json where a request does not say."""
BAD_KEY = "sk-pictor-not-a-key"
BASE64_MODELS = {
    "gpt-image-1": KEY,
    "gpt-image-2": KEY,
    "gpt-image-2-pro": KEY,
    "gpt-image-2-auto": KEY,
    "gpt-image-2-origin": BASE64_KEY,
}
"""Models called by clients of OpenAI's gpt-image models, with the key that gives base64."""


def picture(side: int = 64) -> bytes:
    """A half-transparent square PNG in one colour: an image, and its own mask."""
    rows = (b"\0" + b"\xc8\x50\x14\x80" * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


Generate = Callable[..., Any]
"""Takes api_key, model, prompt, size and further fields; returns the client's own answer."""


def emit(check: str, *, ok: bool, detail: str = "") -> None:
    """Write one line of the report."""
    sys.stdout.write(json.dumps({"check": check, "ok": ok, "detail": detail[:300]}) + "\n")
    sys.stdout.flush()


def expect(check: str, what: str, seen: Callable[[], str]) -> None:
    """Report whether `seen` returns the expected value; an exception is a failure."""
    try:
        found = seen()
    except Exception as error:  # noqa: BLE001 - whatever a client raises belongs in the report
        found = f"{type(error).__name__}: {error}"
    emit(check, ok=found == what, detail="" if found == what else f"{found} is not {what}")


def pixels(content: bytes) -> str:
    """'WxH' of a PNG, from its header; raises ValueError for anything else."""
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        raise ValueError("no PNG")
    width, height = struct.unpack(">II", content[16:24])
    return f"{width}x{height}"


def pixels_at(url: str) -> str:
    """'WxH' of the PNG at an address."""
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own stack's address
        return pixels(answer.read())


def image_of(answer: Any, form: str) -> str:
    """'WxH' of an answer's only image, which must be there in that form and no other."""
    (item,) = answer.data
    if form == "url":
        return "b64_json too" if item.b64_json else pixels_at(item.url)
    return "url too" if item.url else pixels(base64.b64decode(item.b64_json))


def check_models(generate: Generate) -> None:
    """Each model, as an address and as base64."""
    for model, size in MODELS.items():
        for form in ("url", "b64_json"):

            def seen(model: str = model, size: str = size, form: str = form) -> str:
                answer = generate(
                    api_key=KEY, model=model, prompt="a kite", size=size, response_format=form
                )
                return image_of(answer, form)

            expect(f"{model} {form}", AUTO_IS if size == "auto" else size, seen)


@dataclass(frozen=True)
class Bad:
    """A request that must fail: the status and code that the client must show."""

    name: str
    status: int
    code: str
    api_key: str = KEY
    model: str = "gpt-image-2"
    prompt: str = "a kite"
    size: str = "1024x1024"


BAD = [
    Bad("no such key", 401, "invalid_api_key", api_key=BAD_KEY),
    Bad("size", 400, "invalid_size", size="77x77"),
    Bad("moderated", 400, "moderation_blocked", prompt="[sandbox: fail=moderation]"),
    Bad("model not allowed", 403, "insufficient_permissions", api_key=NARROW_KEY),
    Bad("model", 404, "model_not_found", model="gpt-image-9"),
    Bad("balance", 429, "insufficient_quota", api_key=POOR_KEY),
    Bad("upstream failed", 502, "upstream_error", prompt="[sandbox: fail=500]"),
    Bad("no channel", 503, "no_channel_available", prompt="[sandbox: fail=401]"),
]


def check_errors(
    generate: Generate, raised: Callable[[Exception], str], names: dict[int | str, str]
) -> None:
    """Check each error class: `names` by code or status, `raised` reads an exception's facts."""
    for bad in BAD:

        def seen(bad: Bad = bad) -> str:
            try:
                generate(api_key=bad.api_key, model=bad.model, prompt=bad.prompt, size=bad.size)
            except Exception as error:  # noqa: BLE001 - its class is what is compared
                return raised(error)
            return "no error"

        name = names.get(bad.code) or names[bad.status]
        expect(f"error {bad.status} {bad.name}", f"{name} {bad.code}", seen)


def last_code_in(text: str) -> str:
    """The error code that stands last in a message; types and codes share words."""
    found = [bad.code for bad in BAD if bad.code in text]
    return max(found, key=text.rfind, default="no code")
