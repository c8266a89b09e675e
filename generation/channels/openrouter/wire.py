"""OpenRouter's images: our request to its JSON, its JSON to pictures and refusals. Pure.

    {"data": [{"b64_json": "…", "media_type": "image/png"}], "usage": {"cost": 0.0387, …}}
    {"error": {"code": 403, "message": "…", "metadata": {"reasons": ["violence"]}}}

Sources: OpenRouter, API reference, "Create images", by openrouter 1.3.84 (October 2026); "Errors";
"Usage Accounting" (`cost` is charged to the account, a credit is a USD).
"""

from decimal import Decimal

from generation.channels.answers import at, count_at, entries_at
from generation.channels.base import ChannelConfig, TokenUsage, UpstreamAnswer, UpstreamRequest
from generation.channels.complaints import ComplaintRow, ComplaintSubject
from generation.channels.data_answers import (
    IMAGE_KEYS,
    cost_in,
    data_uris,
    pictures_in,
    refusal_in,
)
from generation.channels.wires import AtOnce, Images, Reply, Steps, classes, given, posted
from pictor.kit.words.money import Micros

_QUALITIES = {"auto", "low", "medium", "high", "xhigh", "max"}
# As statuses, and as codes within a 200. 403 is also a key that reached its limit.
_CLASS_OF = classes(
    moderated="flagged", refused="401 402 404 429 503 529", unknown="408 500 502 504 524"
)
_ROWS = (
    ComplaintRow(
        ComplaintSubject.POLICY,
        'OpenRouter, "Errors": your chosen model requires moderation and your input was flagged',
        phrases=("requires moderation", "your input was flagged"),
    ),
)


class OpenRouterWire(AtOnce):
    """One account at OpenRouter."""

    def __init__(self, account: ChannelConfig) -> None:
        self._account = account
        self._url = f"{account.root('api/v1')}/images"
        self._key = {"Authorization": f"Bearer {account.api_key}"}

    def make(self, request: UpstreamRequest) -> Steps:
        """One call for one picture."""
        model = self._account.upstream_models.get(request.model, request.model)
        fields = _fields(request, model)
        reply = yield posted(
            self._url, self._key, fields, is_order=True, image_keys=IMAGE_KEYS, room=1
        )
        found = tuple(pictures_in(reply))
        if not found:
            reasons = entries_at(reply.document, "error", "metadata", "reasons")
            flagged = ["flagged"] if reasons else []
            options = {"asked": request.prompt, "class_of": _CLASS_OF, "first": _ROWS}
            raise refusal_in(reply, *flagged, **options)
        return Images(found, UpstreamAnswer((), usage=_usage(reply), cost=_cost(reply)))


def _fields(request: UpstreamRequest, model: str) -> dict[str, object]:
    references = [{"type": "image_url", "image_url": {"url": each}} for each in data_uris(request)]
    return given(
        model=model,
        prompt=request.prompt,
        input_references=references or None,
        size=request.pixels,
        quality=request.quality if request.quality in _QUALITIES else None,
        output_format=request.output_format or "png",
        output_compression=request.output_compression,
        background=request.fields.get("background"),
        seed=request.fields.get("seed"),
        user=request.fields.get("user"),
    )


def _cost(reply: Reply) -> Micros | None:
    """Without that of a vendor's own key, whom the account pays besides."""
    if at(reply.document, "usage", "is_byok") is True:
        return None
    return cost_in(at(reply.document, "usage", "cost"), Decimal(1))


def _usage(reply: Reply) -> TokenUsage | None:
    counted = at(reply.document, "usage")
    entered, made = count_at(counted, "prompt_tokens"), count_at(counted, "completion_tokens")
    return TokenUsage(entered, made, entered + made) if made else None
