"""Google's generateContent: our request to its JSON, its JSON to pictures and refusals. Pure.

    {"candidates": [{"content": {"parts": [
       {"thought": true, "inlineData": {"mimeType": "image/png", "data": "a draft"}},
       {"inlineData": {"mimeType": "image/png", "data": "…"}, "thoughtSignature": "…"}]},
     "finishReason": "STOP"}], "usageMetadata": {…}, "modelVersion": "…"}

A refusal is an HTTP 200 with a `blockReason` or a `finishReason`. Drafts are parts of thoughts; the
picture may come twice and is billed twice (seen 28 November 2026), so the last one counts.
Sources: Gemini API, "GenerateContentResponse"; Vertex AI, discovery document 20261106.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from secrets import token_hex
from urllib.parse import quote, urlsplit

from generation.channels.base import ChannelConfig, TokenUsage, UpstreamAnswer, UpstreamRequest
from generation.channels.complaints import ComplaintSubject, about
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.gemini.gemini_sizes import gemini_sizes
from generation.channels.json_body import json_body
from generation.channels.wires import (
    AtOnce,
    Call,
    Found,
    Images,
    Reply,
    Steps,
    at,
    entries_at,
    references_of,
    refusal,
    text_at,
)

DRAFTS = 3
_POLICY = (
    "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION", "RECITATION", "ESCALATION", "MODEL_ARMOR",
)  # fmt: skip
_CLASS_OF = {
    **dict.fromkeys(_POLICY, AttemptClass.MODERATED),
    "PUP_LIMITED_DISABLED": AttemptClass.REFUSED,  # the account, although by a 200
    "FAILED_PRECONDITION": AttemptClass.REFUSED,
}
_DURATION = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,9})?)s")


class GeminiWire(AtOnce):
    """One account at the Gemini API: the address of its models, and the headers with its key."""

    def __init__(self, account: ChannelConfig) -> None:
        self.account = account
        base = account.base_url.rstrip("/")
        self.models = f"{base}/models" if urlsplit(base).path else f"{base}/v1beta/models"
        self.key = {"x-goog-api-key": account.api_key}

    def make(self, request: UpstreamRequest) -> Steps:
        """One call for one picture."""
        model = self.account.upstream_models.get(request.model, request.model)
        # Under names that no prompt can have.
        large = {token_hex(): replace(image, prefix="") for image in references_of(request)}
        images = [
            {"inlineData": {"mimeType": f"image/{image.format}", "data": name}}
            for name, image in large.items()
        ]
        given = {
            "imageConfig": self.image_config(request, model),
            "seed": request.fields.get("seed"),
        }
        shape = {name: value for name, value in given.items() if value not in ({}, None)}
        fields = {
            "contents": [{"role": "user", "parts": [{"text": request.prompt}, *images]}],
            "generationConfig": {"responseModalities": ["IMAGE"], **shape},
        }
        reply = yield Call(
            "POST",
            f"{self.models}/{quote(model, safe='')}:generateContent",
            self.key,
            json_body(fields, large=large),
            "application/json",
            is_order=True,
            image_keys=frozenset({"data"}),
            room=1 + DRAFTS,
        )
        found = tuple(_pictures(reply.document)) if reply.is_good else ()
        if not found:
            raise (_without_picture if reply.is_good else _error)(reply, asked=request.prompt)
        model_named = text_at(reply.document, "modelVersion")[:200] or None
        return Images(found, UpstreamAnswer((), model=model_named, usage=_usage(reply)))

    def image_config(self, request: UpstreamRequest, model: str) -> dict[str, object]:
        """The ratio and the class of the size; nothing if the model chooses."""
        ratio, size_class = gemini_sizes(model).get(request.size or "", ("", ""))
        named = {"aspectRatio": ratio, "imageSize": size_class}
        return {name: word for name, word in named.items() if word}


def _pictures(document: Mapping[str, object]) -> Iterator[Found]:
    """The last picture of each candidate that is no draft."""
    for candidate in entries_at(document, "candidates"):
        data = [
            # Relays write the name with an underscore.
            text_at(part, "inlineData", "data") or text_at(part, "inline_data", "data")
            for part in entries_at(candidate, "content", "parts")
            if at(part, "thought") is not True
        ]
        yield from [Found(each) for each in data if each][-1:]


def _without_picture(reply: Reply, *, asked: str) -> UpstreamError:
    first = next(iter(entries_at(reply.document, "candidates")), None)
    blocked = text_at(reply.document, "promptFeedback", "blockReason")
    code = blocked or text_at(first, "finishReason")
    words = " ".join(text_at(part, "text") for part in entries_at(first, "content", "parts"))
    attempt_class = _CLASS_OF.get(code, AttemptClass.BAD_RESULT)
    # A model's words may be its user's, so they are believed about policy only.
    if blocked or about(codes=(), message=words, asked=asked) is ComplaintSubject.POLICY:
        attempt_class = AttemptClass.MODERATED
    message = text_at(first, "finishMessage") or words
    return refusal(reply, codes=[code], message=message, class_of={code: attempt_class})


def _error(reply: Reply, *, asked: str) -> UpstreamError:
    details = entries_at(reply.document, "error", "details")
    error = refusal(
        reply,
        codes=[
            text_at(reply.document, "error", "status"),
            *(text_at(each, "reason") for each in details),
        ],
        message=text_at(reply.document, "error", "message"),
        asked=asked,
        class_of=_CLASS_OF,
    )
    waits = [_DURATION.fullmatch(text_at(each, "retryDelay")) for each in details]
    wait = max((float(found[1]) for found in waits if found), default=None)
    return error if wait is None else error.but(retry_after_seconds=wait)


def _usage(reply: Reply) -> TokenUsage | None:
    """The tokens, without those of thoughts, which cost a tenth and have no row in cost tables."""
    counted = at(reply.document, "usageMetadata")
    entered, made = _count(counted, "promptTokenCount"), _count(counted, "candidatesTokenCount")
    details = entries_at(counted, "promptTokensDetails")
    images = [_count(each, "tokenCount") for each in details if at(each, "modality") == "IMAGE"]
    return TokenUsage(entered, made, entered + made, 0, sum(images)) if made else None


def _count(value: object, key: str) -> int:
    number = at(value, key)
    return number if isinstance(number, int) and number > 0 else 0
