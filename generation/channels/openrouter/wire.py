"""OpenRouter's images: our request to its JSON, its JSON to pictures and refusals. Pure.

    {"data": [{"b64_json": "…", "media_type": "image/png"}], "usage": {"cost": 0.0387, …}}
    {"error": {"code": 403, "message": "…", "metadata": {"reasons": ["violence"]}}}

Sources: OpenRouter, API reference, "Create images", by openrouter 1.3.84 (October 2026); "Errors";
"Usage Accounting" (`cost` is charged to the account, a credit is a USD).
"""

from decimal import Decimal

from typing_extensions import override

from generation.channels.answers import at, cost_at, count_at, entries_at
from generation.channels.base import TokenUsage, UpstreamAnswer, UpstreamRequest
from generation.channels.complaints import ComplaintRow, ComplaintSubject
from generation.channels.data_answers import DataWire, Uris
from generation.channels.wires import Reply, classes, given

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


class OpenRouterWire(DataWire):
    """One account at OpenRouter."""

    version, path, edit_path = "api/v1", "images", "images"
    class_of, rows = _CLASS_OF, _ROWS

    @override
    def fields(self, request: UpstreamRequest, model: str, images: Uris) -> dict[str, object]:
        references = [{"type": "image_url", "image_url": {"url": image}} for image in images]
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

    @override
    def facts(self, reply: Reply, model: str) -> UpstreamAnswer:
        """Its tokens and cost, without that of a vendor's own key, who is paid besides."""
        used = at(reply.document, "usage")
        entered, made = count_at(used, "prompt_tokens"), count_at(used, "completion_tokens")
        usage = TokenUsage(entered, made, entered + made) if made else None
        is_byok = at(used, "is_byok") is True
        cost = None if is_byok else cost_at(used, "cost", unit_usd=Decimal(1))
        return UpstreamAnswer((), usage=usage, cost=cost)

    @override
    def codes(self, reply: Reply) -> list[str]:
        return ["flagged"] if entries_at(reply.document, "error", "metadata", "reasons") else []
