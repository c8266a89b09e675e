"""xAI's images: our request to its JSON, its JSON to pictures and refusals. Pure.

    {"data": [{"b64_json": "…", "mime_type": "image/jpeg", "respect_moderation": true}],
     "usage": {"cost_in_usd_ticks": 400000000}}
    {"code": "Client specified an invalid argument", "usage": {"cost_in_usd_ticks": 200000000},
     "error": "Generated image rejected by content moderation."}

`size` is never sent: xAI does not support it, and charges 1k.
Sources: xAI, "Image Generation", "Image Editing", "Cost Tracking" (a USD is 10^10 ticks, the amount
billed), as of September 2026; the refusal, with a charge, as a client logged it.
"""

from decimal import Decimal

from typing_extensions import override

from generation.channels.answers import cost_at
from generation.channels.base import UpstreamAnswer, UpstreamRequest
from generation.channels.complaints import ComplaintRow, ComplaintSubject
from generation.channels.data_answers import DataWire, Uris
from generation.channels.wires import Reply, given
from generation.channels.xai.kind import SIZES

_TICK_USD = Decimal("1e-10")
_QUALITIES = {"low", "medium"}
_ROWS = (
    ComplaintRow(
        ComplaintSubject.POLICY,
        "xAI, by 400 or 403: rejected by content moderation; content violates usage guidelines",
        phrases=("content moderation", "usage guidelines"),
    ),
)


class XaiWire(DataWire):
    """One account at xAI."""

    edit_path, rows = "images/edits", _ROWS

    @override
    def fields(self, request: UpstreamRequest, model: str, images: Uris) -> dict[str, object]:
        references = [{"type": "image_url", "url": image} for image in images]
        return given(
            model=model,
            prompt=request.prompt,
            n=request.n,
            image=references[0] if len(images) == 1 else None,
            images=references if len(images) > 1 else None,
            response_format="b64_json",
            quality=request.quality if request.quality in _QUALITIES else None,
            user=request.fields.get("user"),
            **SIZES.of_model(model).get(request.size or "", {}),
        )

    @override
    def facts(self, reply: Reply, model: str) -> UpstreamAnswer:
        cost = cost_at(reply.document, "usage", "cost_in_usd_ticks", unit_usd=_TICK_USD)
        return UpstreamAnswer((), cost=cost)
