"""Ark, OpenRouter and xAI, whose answers have OpenAI's shape, as scripts of RawServer.

Each makes the same picture as often as it is asked for, and refuses what its vendor refuses.
`tests.clients.ark_client`, `openrouter_client` and `xai_client` drive them by the clients that the
vendors name. Standard library and typing_extensions only.
"""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from tests.fakes.raw_server import Received, Script, says


def told(document: object, status: int = 200) -> Script:
    """Answer with JSON."""
    kind = {"Content-Type": "application/json", "x-request-id": "req-1"}
    return says(json.dumps(document).encode(), status=status, headers=kind)


def encoded(picture: bytes) -> str:
    return base64.b64encode(picture).decode()


@dataclass
class DataVendor:
    """One of them.

    Attributes:
        picture: the bytes of its pictures.
        scripts: other answers to orders, in turn; the last one again and again.
        seen: the method and path of each call.
    """

    picture: bytes
    key: str = "a-key"
    scripts: list[Script] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    places = frozenset[str]()
    known = frozenset[str]()

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        place = f"{request.method} {request.target}"
        self.seen.append(place)
        script = self._answer(place, request)
        await script(request, writer)

    def _answer(self, place: str, request: Received) -> Script:
        if place not in self.places:
            return self.failed(404, "NotFound", "no such path")
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return self.failed(401, "AuthenticationError", "The API key is missing or invalid.")
        # A client sends its fields that are not given as null.
        fields = {
            key: value for key, value in json.loads(request.body).items() if value is not None
        }
        if unknown := fields.keys() - self.known:
            return self.failed(400, "InvalidParameter", f"Unknown parameter: {min(unknown)}")
        if wrong := self.wrong(place, fields):
            return self.failed(400, "InvalidParameter", wrong)
        if self.scripts:
            return self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        return self.made(fields)

    def wrong(self, place: str, fields: Mapping[str, Any]) -> str:
        """What is wrong with an order; "" if nothing is."""
        raise NotImplementedError

    def made(self, fields: Mapping[str, Any]) -> Script:
        """Answer with pictures."""
        raise NotImplementedError

    @staticmethod
    def failed(status: int, code: str, words: str = "no") -> Script:
        """Answer with an error."""
        return told({"error": {"code": code, "message": words, "type": "BadRequest"}}, status)


class ArkImages(DataVendor):
    """Ark at its path, with Seedream's versions."""

    places = frozenset({"POST /api/v3/images/generations"})
    known = frozenset({
        "model", "prompt", "image", "size", "response_format", "output_format", "background",
        "watermark", "sequential_image_generation", "sequential_image_generation_options",
    })  # fmt: skip

    @override
    def wrong(self, place: str, fields: Mapping[str, Any]) -> str:
        model = str(fields["model"])
        if "5-0-pro" in model and "sequential_image_generation" in fields:
            return "sequential_image_generation is not supported by this model"
        if "seedream-4" in model and "output_format" in fields:
            return "output_format is not supported by this model"
        width, _, height = str(fields.get("size", "2048x2048")).partition("x")
        least = 3_686_400 if "4-5" in model or "lite" in model else 921_600
        is_small = height and int(width) * int(height) < least
        return f"image size must be at least {least} pixels." if is_small else ""

    @override
    def made(self, fields: Mapping[str, Any]) -> Script:
        size = str(fields.get("size", "2048x2048"))
        return told(
            {
                "model": fields["model"],
                "created": 1_795_000_000,
                "data": [{"b64_json": encoded(self.picture), "size": size}],
                "usage": {"generated_images": 1, "output_tokens": 16_384, "total_tokens": 16_384},
            }
        )


class OpenRouterImages(DataVendor):
    """OpenRouter, before a vendor that makes one picture an order."""

    places = frozenset({"POST /api/v1/images"})
    known = frozenset({
        "model", "prompt", "n", "size", "resolution", "aspect_ratio", "quality", "output_format",
        "output_compression", "background", "input_references", "seed",
        "user",
    })  # fmt: skip

    @override
    def wrong(self, place: str, fields: Mapping[str, Any]) -> str:
        return "n must be 1 for this provider" if fields.get("n", 1) > 1 else ""

    @override
    def made(self, fields: Mapping[str, Any]) -> Script:
        counted = {"prompt_tokens": 6, "completion_tokens": 1290, "total_tokens": 1296}
        return told(
            {
                "created": 1_795_000_000,
                "data": [{"b64_json": encoded(self.picture)}],
                "usage": {**counted, "cost": 0.0387, "is_byok": False},
            }
        )

    @staticmethod
    @override
    def failed(status: int, code: str, words: str = "no", **metadata: object) -> Script:
        more = {"metadata": metadata} if metadata else {}
        return told({"error": {"code": status, "message": words, **more}}, status)


class XaiImages(DataVendor):
    """xAI, which charges 0.04 USD for a picture."""

    places = frozenset({"POST /v1/images/generations", "POST /v1/images/edits"})
    known = frozenset({
        "model", "prompt", "n", "aspect_ratio", "resolution", "quality", "response_format", "user",
        "image", "images",
    })  # fmt: skip

    @override
    def wrong(self, place: str, fields: Mapping[str, Any]) -> str:
        if place.endswith("edits") != ("image" in fields or "images" in fields):
            return "Images belong to edits."
        is_high = fields.get("quality") not in {None, "low", "medium", "auto"}
        return "Invalid quality." if is_high else ""

    @override
    def made(self, fields: Mapping[str, Any]) -> Script:
        picture = {"b64_json": encoded(self.picture), "mime_type": "image/jpeg"}
        count = fields.get("n", 1)
        data = [{**picture, "respect_moderation": True, "revised_prompt": ""}] * count
        return told({"data": data, "usage": {"cost_in_usd_ticks": 400_000_000 * count}})

    @staticmethod
    @override
    def failed(status: int, code: str, words: str = "no", *, ticks: int | None = None) -> Script:
        usage = {} if ticks is None else {"usage": {"cost_in_usd_ticks": ticks}}
        return told({"code": code, "error": words, **usage}, status)
