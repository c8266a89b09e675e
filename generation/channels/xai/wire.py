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

from generation.channels.answers import at, entries_at
from generation.channels.base import ChannelConfig, UpstreamAnswer, UpstreamRequest
from generation.channels.complaints import ComplaintRow, ComplaintSubject
from generation.channels.data_answers import (
    IMAGE_KEYS,
    cost_in,
    data_uris,
    pictures_in,
    refusal_in,
)
from generation.channels.errors import AttemptClass
from generation.channels.wires import AtOnce, Images, Steps, given, posted
from generation.channels.xai.kind import SIZES

_TICK_USD = Decimal("1e-10")
_QUALITIES = {"low", "medium"}
_CLASS_OF = {"blocked": AttemptClass.MODERATED}
_ROWS = (
    ComplaintRow(
        ComplaintSubject.POLICY,
        "xAI, by 400 or 403: rejected by content moderation; content violates usage guidelines",
        phrases=("content moderation", "usage guidelines"),
    ),
)


class XaiWire(AtOnce):
    """One account at xAI."""

    def __init__(self, account: ChannelConfig) -> None:
        self._account = account
        self._images = f"{account.root('v1')}/images"
        self._key = {"Authorization": f"Bearer {account.api_key}"}

    def make(self, request: UpstreamRequest) -> Steps:
        """One call for all pictures."""
        model = self._account.upstream_models.get(request.model, request.model)
        reply = yield posted(
            f"{self._images}/{'edits' if request.references else 'generations'}",
            self._key,
            _fields(request, model),
            is_order=True,
            image_keys=IMAGE_KEYS,
            room=request.n,
        )
        cost = cost_in(at(reply.document, "usage", "cost_in_usd_ticks"), _TICK_USD)
        found = tuple(pictures_in(reply, _is_shown))
        if not found:
            entries = entries_at(reply.document, "data")
            blocked = [] if all(map(_is_shown, entries)) else ["blocked"]
            options = {"asked": request.prompt, "class_of": _CLASS_OF, "first": _ROWS}
            raise refusal_in(reply, *blocked, **options).but(cost=cost)
        return Images(found, UpstreamAnswer((), cost=cost))


def _is_shown(entry: object) -> bool:
    return at(entry, "respect_moderation") is not False


def _fields(request: UpstreamRequest, model: str) -> dict[str, object]:
    images = [{"type": "image_url", "url": each} for each in data_uris(request)]
    return given(
        model=model,
        prompt=request.prompt,
        n=request.n,
        image=images[0] if len(images) == 1 else None,
        images=images if len(images) > 1 else None,
        response_format="b64_json",
        quality=request.quality if request.quality in _QUALITIES else None,
        user=request.fields.get("user"),
        **SIZES.of_model(model).get(request.size or "", {}),
    )
