"""Black Forest Labs: an order, and looks at it until it ends. Pure.

    POST /v1/flux-2-pro → {"id": "…", "polling_url": "https://…", "cost": 3.0}
    GET polling_url → {"status": "Pending"} … {"status": "Ready", "result": {"sample": "https://…"}}

Any other status says that the work goes on. An end without a picture may come by a 422 or a 503.
`cost` is in credits of one cent; what is moderated is not charged.
Sources: docs.bfl.ai, "Errors", "Pricing", "Generate an image with FLUX 3" (8 October 2026); its
help pages on moderation (12 June 2026); the skill bfl-api of github.com/black-forest-labs.
"""

from decimal import Decimal
from functools import partial
from urllib.parse import quote

from typing_extensions import override

from generation.channels import wires
from generation.channels.answers import at, cost_at, seed_in, text_at
from generation.channels.base import ChannelConfig, Job, UpstreamAnswer, UpstreamRequest
from generation.channels.bfl.kind import SIZES
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.field_map import FieldMap
from pictor.kit.words.money import Micros

_CREDIT_USD = Decimal("0.01")
_CLASS_OF = {
    "Request Moderated": AttemptClass.MODERATED,
    "Content Moderated": AttemptClass.MODERATED,
    "Error": AttemptClass.UNKNOWN,
    "Failed": AttemptClass.UNKNOWN,
}
_IS_RUNNING = wires.until("Ready", *_CLASS_OF, lost="Task not found")
_FLUX_2 = FieldMap(
    size={"to": ["width", "height"], "as": "sides"}, images={"to": "input_image", "as": "numbered"}
)


class BflWire(wires.PlainWire):
    """One account at Black Forest Labs."""

    def __init__(self, account: ChannelConfig) -> None:
        self._account = account
        self._key = {"x-key": account.api_key}

    def make(self, request: UpstreamRequest) -> wires.Steps:
        """Order a picture, and follow the order."""
        model = self._account.upstream_model(request.model)
        place = f"{self._account.root('v1')}/{quote(model, safe='')}"
        order = wires.posted(place, self._key, _body(request, model), is_order=True)
        refused = partial(_refusal, asked=request.prompt)
        job = yield from wires.ordered(order, {"id": "id", "look": "polling_url"}, refused, _cost)
        return (yield from self.resume(job, request))

    @override
    def resume(self, job: Job, request: UpstreamRequest) -> wires.Steps:
        """Look until the order has ended."""
        look = wires.Call("GET", job.look, self._key, image_keys=frozenset({"sample"}), room=1)
        reply = yield from wires.followed(look, _IS_RUNNING, most_misses=wires.MOST_MISSES)
        picture = text_at(reply.document, "result", "sample")
        if picture and text_at(reply.document, "status") == "Ready":
            found = wires.picture(picture, seed=seed_in(at(reply.document, "result")))
            return wires.Images((found,), UpstreamAnswer((), cost=_cost(reply) or job.cost))
        raise _refusal(reply, asked=request.prompt, job=job)


def _body(request: UpstreamRequest, model: str) -> dict[str, object]:
    images = request.references
    fields = {name: value for name, value in request.fields.items() if name != "image"}
    fields["prompt"] = request.prompt
    if sizes := SIZES.of_model(model):
        # Its schema refuses all other fields, and it searches the web unless it is told not to.
        words = {**sizes.get(request.size or "", {})} | wires.given(images=[*images] or None)
        return {"grounding": False, **fields, **words}
    fields |= wires.given(size=request.size, output_format=request.output_format or "png")
    return _FLUX_2.body({}, fields, images)


def _cost(reply: wires.Reply) -> Micros | None:
    return cost_at(reply.document, "cost", unit_usd=_CREDIT_USD)


def _refusal(reply: wires.Reply, *, asked: str, job: Job | None = None) -> UpstreamError:
    status = text_at(reply.document, "status")
    codes, message = wires.detail_of(reply)
    error = wires.refusal(
        reply,
        codes=[status, *codes],
        message=message,
        asked=asked,
        class_of=_CLASS_OF if job else None,
        is_followed=job is not None and status != "Ready",
    )
    if job is None:
        return error
    return error.but(cost=Micros(0) if "Moderated" in status else job.cost)
