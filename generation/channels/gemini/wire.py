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
from urllib.parse import quote

from generation.channels.answers import at, count_at, entries_at, text_at
from generation.channels.base import ChannelConfig, TokenUsage, UpstreamAnswer, UpstreamRequest
from generation.channels.complaints import ComplaintSubject, about
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.gemini.kind import SIZES
from generation.channels.wires import Found, Images, PlainWire, Reply, Steps, given, posted, refusal

DRAFTS, COPIES = 3, 2
"""The most pictures of an answer: of its thoughts, and of the result."""
_POLICY = (
    "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION", "RECITATION", "ESCALATION", "MODEL_ARMOR",
)  # fmt: skip
_CLASS_OF = {
    **dict.fromkeys(_POLICY, AttemptClass.MODERATED),
    "PUP_LIMITED_DISABLED": AttemptClass.REFUSED,  # the account, although by a 200
    "FAILED_PRECONDITION": AttemptClass.REFUSED,
}
_DURATION = re.compile(r"[0-9]{1,5}(\.[0-9]{1,9})?s")


class GeminiWire(PlainWire):
    """One account at the Gemini API: the address of its models, and the headers with its key."""

    def __init__(self, account: ChannelConfig) -> None:
        self.account = account
        self.models = f"{account.root('v1beta')}/models"
        self.key = {"x-goog-api-key": account.api_key}

    def make(self, request: UpstreamRequest) -> Steps:
        """One call for one picture."""
        model = self.account.upstream_model(request.model)
        images = [
            {"inlineData": {"mimeType": f"image/{image.format}", "data": image}}
            for image in request.references
        ]
        config = given(
            responseModalities=["IMAGE"],
            imageConfig=self.image_config(request, model) or None,
            seed=request.fields.get("seed"),
        )
        reply = yield posted(
            f"{self.models}/{quote(model, safe='')}:generateContent",
            self.key,
            {
                "contents": [{"role": "user", "parts": [{"text": request.prompt}, *images]}],
                "generationConfig": config,
            },
            is_order=True,
            image_keys=frozenset({"data"}),
            room=DRAFTS + COPIES,
        )
        found = tuple(_pictures(reply.document)) if reply.is_good else ()
        if not found:
            raise (_without_picture if reply.is_good else _error)(reply, asked=request.prompt)
        model_named = text_at(reply.document, "modelVersion")[:200] or None
        return Images(found, UpstreamAnswer((), model=model_named, usage=_usage(reply)))

    def image_config(self, request: UpstreamRequest, model: str) -> dict[str, object]:
        """The ratio and the class of the size; nothing if the model chooses."""
        return dict(SIZES.of_model(model).get(request.size or "", {}))


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
    code = blocked or text_at(first, "finishReason") or "no reason"
    words = " ".join(text_at(part, "text") for part in entries_at(first, "content", "parts"))
    # A model's words may be its user's, so they are believed about policy only.
    is_policy = about(codes=(), message=words, asked=asked) is ComplaintSubject.POLICY
    by_code = _CLASS_OF.get(code, AttemptClass.BAD_RESULT)
    class_of = {code: AttemptClass.MODERATED if blocked or is_policy else by_code}
    message = text_at(first, "finishMessage") or words
    return refusal(reply, codes=[code], message=message, class_of=class_of)


def _error(reply: Reply, *, asked: str) -> UpstreamError:
    told = at(reply.document, "error")
    details = entries_at(told, "details")
    codes = [text_at(told, "status"), *(text_at(each, "reason") for each in details)]
    message = text_at(told, "message")
    error = refusal(reply, codes=codes, message=message, asked=asked, class_of=_CLASS_OF)
    delays = (text_at(each, "retryDelay") for each in details)
    seconds = [float(delay[:-1]) for delay in delays if _DURATION.fullmatch(delay)]
    return error.but(retry_after_seconds=max(seconds, default=error.retry_after_seconds))


def _usage(reply: Reply) -> TokenUsage | None:
    """The tokens, without those of thoughts, which cost a tenth and have no row in cost tables."""
    counted = at(reply.document, "usageMetadata")
    entered, made = count_at(counted, "promptTokenCount"), count_at(counted, "candidatesTokenCount")
    details = entries_at(counted, "promptTokensDetails")
    images = [count_at(each, "tokenCount") for each in details if at(each, "modality") == "IMAGE"]
    return TokenUsage(entered, made, entered + made, 0, sum(images)) if made else None
