"""Ark's images: our request to its JSON, its JSON to pictures and refusals. Pure.

    {"model": "seedream-4-5-251128", "data": [{"b64_json": "…", "size": "2048x2048"}],
     "usage": {"generated_images": 1, "output_tokens": 16384, "total_tokens": 16384}}

An edit is the same call with `image`. A picture may fail alone, with an `error` in its place.
Sources: BytePlus ModelArk, 1541523 "Image generation API" (only generated images are billed) and
1299023 "Error codes", copies of September 2026.
"""

from typing_extensions import override

from generation.channels.answers import at, count_at, text_at
from generation.channels.base import TokenUsage, UpstreamAnswer, UpstreamRequest
from generation.channels.complaints import ComplaintRow, ComplaintSubject
from generation.channels.data_answers import DataWire, Uris
from generation.channels.wires import Reply, given
from pictor.kit.words.money import Micros

_WITH_FORMATS = (
    "seedream-5-5", "seedream-5-0-pro", "seedream-5-0-lite", "seedream-5-0-260128",
)  # fmt: skip
"""Models that have the field `output_format`; others make a jpeg."""
_ROWS = (
    ComplaintRow(
        ComplaintSubject.POLICY,
        "ModelArk, error codes: InputTextRiskDetection and its kin",
        codes=("riskdetection",),
    ),
    ComplaintRow(
        ComplaintSubject.CHANNEL,
        "ModelArk, error codes: InvalidEndpoint.ClosedEndpoint; ContentSecurityDetectionError,"
        " by which the account's own filter failed",
        codes=("closedendpoint", "contentsecuritydetectionerror"),
    ),
)


class ArkWire(DataWire):
    """One account at Ark."""

    version, rows = "api/v3", _ROWS

    @override
    def fields(self, request: UpstreamRequest, model: str, images: Uris) -> dict[str, object]:
        has_formats = any(name in model for name in _WITH_FORMATS)
        return given(
            model=model,
            prompt=request.prompt,
            image=images[0] if len(images) == 1 else images or None,
            size=request.pixels,
            response_format="b64_json",
            output_format=(request.output_format or "png") if has_formats else None,
            background=request.fields.get("background"),
            watermark=request.fields.get("watermark"),
        )

    @override
    def facts(self, reply: Reply, model: str) -> UpstreamAnswer:
        # Of an endpoint, the answer names the model behind it.
        named = "" if model.startswith("ep-") else text_at(reply.document, "model")[:200]
        if made := count_at(reply.document, "usage", "output_tokens"):
            return UpstreamAnswer((), model=named or None, usage=TokenUsage(0, made, made))
        is_unbilled = at(reply.document, "usage", "generated_images") == 0
        return UpstreamAnswer((), model=named or None, cost=Micros(0) if is_unbilled else None)
