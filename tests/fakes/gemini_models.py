"""Gemini's models and Google's tokens at one address, as a script of RawServer.

`tests.clients.genai_client` drives it by Google's own client. Standard library only.
"""

import asyncio
import base64
from dataclasses import dataclass, field

from tests.fakes.raw_server import Received, Script, told

MODEL = "gemini-3-pro-image"
ORDER = f"POST /v1beta/models/{MODEL}:generateContent"
STABLE_ORDER = f"POST /v1/models/{MODEL}:generateContent"
VERTEX_ORDER = (
    f"POST /v1/projects/acme-1/locations/global/publishers/google/models/{MODEL}:generateContent"
)
TOKENS = "POST /token"
WRONG_KEY = "API_KEY_INVALID"
MODERATED = (
    "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION", "RECITATION", "ESCALATION", "MODEL_ARMOR",
)  # fmt: skip
WITHOUT_PICTURE = (
    "NO_IMAGE", "IMAGE_OTHER", "OTHER", "LANGUAGE", "MALFORMED_RESPONSE", "MAX_TOKENS", "STOP",
)  # fmt: skip
BLOCKED = ("SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "IMAGE_SAFETY", "JAILBREAK", "OTHER")
"""The reasons by which an answer ends, and by which a prompt is blocked."""


def failed(status: int, code: str, *details: dict[str, str]) -> Script:
    """Answer with an error."""
    error = {"code": status, "message": "no", "status": code, "details": [*details]}
    return told({"error": error}, status)


def part(picture: bytes, **more: object) -> dict[str, object]:
    """A part of an answer that is a picture."""
    data = base64.b64encode(picture).decode()
    return {"inlineData": {"mimeType": "image/png", "data": data}, **more}


def ended(*parts: dict[str, object], reason: str = "STOP") -> Script:
    """Answer with these parts."""
    content = {"role": "model", "parts": [*parts]}
    counted = {
        "promptTokenCount": 9,
        "candidatesTokenCount": 1120,
        "totalTokenCount": 1129,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}],
    }
    candidate = {"content": content, "finishReason": reason, "index": 0}
    facts = {"usageMetadata": counted, "modelVersion": MODEL, "responseId": "r-1"}
    return told({"candidates": [candidate], **facts})


def blocked(reason: str) -> Script:
    """Answer that the prompt is blocked."""
    return told({"promptFeedback": {"blockReason": reason}, "modelVersion": MODEL})


@dataclass
class GeminiModels:
    """Makes the same picture of each order, after drafts if it is told to.

    Attributes:
        picture: its bytes.
        drafts: pictures that are parts of thoughts.
        scripts: other answers to orders, in turn; the last one again and again.
        seen: the method and path of each call.
    """

    picture: bytes
    drafts: tuple[bytes, ...] = ()
    key: str = "a-key"
    scripts: list[Script] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        call = f"{request.method} {request.target.partition('?')[0]}"
        self.seen.append(call)
        await self._answer(call, request)(request, writer)

    def _answer(self, call: str, request: Received) -> Script:
        if call == TOKENS:
            return told({"access_token": "ya29.one", "expires_in": 3599, "token_type": "Bearer"})
        if call in {ORDER, STABLE_ORDER}:
            is_known = request.headers.get("x-goog-api-key") == self.key
        elif call == VERTEX_ORDER:
            is_known = request.headers.get("authorization") == "Bearer ya29.one"
        else:
            return failed(404, "NOT_FOUND")
        if not is_known:
            reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": WRONG_KEY}
            return failed(400, "INVALID_ARGUMENT", reason)
        if self.scripts:
            return self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        return self.made()

    def made(self) -> Script:
        """Answer with the picture."""
        # The last two are the same picture, which is billed twice (seen 28 November 2026).
        signed = part(self.picture, thoughtSignature="QUFB" * 9_000)
        return ended(*(part(each, thought=True) for each in self.drafts), signed, signed)
