"""A resource at Azure OpenAI with one deployment, as a script of RawServer.

`tests.clients.azure_client` drives it by OpenAI's own client. Standard library only.
"""

import asyncio
import base64
import json
import re
from dataclasses import dataclass, field

from tests.fakes.raw_server import Received, Script, says

DEPLOYMENT = "fox-2"
CLASSIC = "2025-04-01-preview"
_PLACE = re.compile(r"/openai/(v1|deployments/([^/]+))/images/(generations|edits)")
_FIELD = re.compile(rb'; name="([a-z_]+)(?:\[\])?"')
_KNOWN = {
    "model", "prompt", "n", "size", "quality", "output_format", "output_compression", "background",
    "moderation", "user", "stream", "partial_images", "image", "mask", "input_fidelity",
}  # fmt: skip


def told(document: object, status: int = 200) -> Script:
    """Answer with JSON, as Azure does."""
    kind = {"Content-Type": "application/json", "apim-request-id": "az-1"}
    return says(json.dumps(document).encode(), status=status, headers=kind)


def failed(status: int, code: str, words: str = "no") -> Script:
    """Answer with an error."""
    return told({"error": {"code": code, "message": words}}, status)


FILTERED = {"created": 1, "error": {"code": "contentFilter", "message": "filtered"}}


@dataclass
class AzureDeployments:
    """Makes the same picture of each order, as often as it is asked for.

    It knows its deployment by its place, or in the v1 API by `model`; fields that Azure does not
    document, and webp, are refused.

    Attributes:
        picture: its bytes.
        scripts: other answers to orders, in turn; the last one again and again.
        seen: the method and target of each call.
    """

    picture: bytes
    key: str = "a-key"
    scripts: list[Script] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        self.seen.append(f"{request.method} {request.target}")
        fields = _fields(request)
        script = self._refusal(request, fields)
        if script is None and self.scripts:
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        await (script or self.made(int(fields.get("n", "1"))))(request, writer)

    def made(self, count: int = 1) -> Script:
        """Answer with so many pictures."""
        image = {"b64_json": base64.b64encode(self.picture).decode()}
        counted = {"input_tokens": 9, "output_tokens": 196, "total_tokens": 205}
        return told({"created": 1, "data": [image] * count, "usage": counted})

    def _refusal(self, request: Received, fields: dict[str, str]) -> Script | None:
        path, _, query = request.target.partition("?")
        place = _PLACE.fullmatch(path)
        key = request.headers.get("api-key") or request.headers.get("authorization", "")
        if key.removeprefix("Bearer ") != self.key:
            return failed(401, "401", "Access denied due to invalid subscription key")
        if place is None or (place[2] and not query.startswith("api-version=20")):
            return failed(404, "404", "Resource not found")
        if (place[2] or fields.get("model")) != DEPLOYMENT:
            return failed(404, "DeploymentNotFound")
        if unknown := fields.keys() - _KNOWN:
            return failed(400, "unknown_parameter", f"Unknown parameter: '{min(unknown)}'.")
        is_webp = fields.get("output_format") == "webp"
        return failed(400, "invalid_value", "Invalid value: 'webp'.") if is_webp else None


def _fields(request: Received) -> dict[str, str]:
    """The fields of JSON; of a form their names, and the text of the short ones."""
    if request.headers.get("content-type") == "application/json":
        return {name: str(value) for name, value in json.loads(request.body).items()}
    parts = request.body.split(b"\r\n--")
    named = ((_FIELD.search(part), part.partition(b"\r\n\r\n")[2]) for part in parts)
    return {
        name[1].decode(): value.decode("latin-1") if len(value) < 100 else ""
        for name, value in named
        if name
    }
