"""What vendors share whose answers have OpenAI's shape. Pure.

{"data": [{"b64_json": "…", "revised_prompt": "…"}, {"url": "https://…"}, {"error": {…}}],
 "usage": {…}}
{"error": {"code": "…", "message": "…"}}, or {"code": "…", "error": "…"}
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import ROUND_UP, Decimal
from typing import Any

from generation.channels.answers import at, entries_at, text_at
from generation.channels.base import LargeValue, UpstreamRequest
from generation.channels.errors import UpstreamError
from generation.channels.wires import Found, Reply, refusal
from pictor.kit.words.money import PER_UNIT, Micros

IMAGE_KEYS = frozenset({"b64_json"})
MAX_COST_USD = 1_000
"""A vendor's charge for an order; a larger number is not believed."""


def data_uris(request: UpstreamRequest) -> list[LargeValue]:
    """The reference images as data URIs."""
    return [image.data_uri for image in request.references]


def pictures_in(
    reply: Reply, is_shown: Callable[[object], bool] = lambda _: True
) -> Iterator[Found]:
    """Those of a good answer, without entries that are not to be shown."""
    for entry in entries_at(reply.document, "data") if reply.is_good else ():
        found = Found(text_at(entry, "b64_json"), text_at(entry, "url"))
        if is_shown(entry) and (found.base64 or found.url):
            yield replace(found, revised_prompt=text_at(entry, "revised_prompt") or None)


def refusal_in(reply: Reply, *own: str, **options: Any) -> UpstreamError:
    """The error of an answer without a picture; `own` are further codes, `options` refusal's."""
    entries = [reply.document, *entries_at(reply.document, "data")]
    told = [at(entry, "error") for entry in entries]
    codes = [at(each, key) for each in [*told, reply.document] for key in ("code", "type")]
    words = [each if isinstance(each, str) else text_at(each, "message") for each in told]
    named = [*own, *(str(code) for code in codes if isinstance(code, str | int))]
    return refusal(reply, codes=named, message=" ".join(filter(None, words)), **options)


def cost_in(amount: object, unit_usd: Decimal) -> Micros | None:
    """The charge that an answer states in the vendor's unit, rounded up; None if it states none."""
    if isinstance(amount, bool) or not isinstance(amount, int | float):  # a bool is an int
        return None
    if not 0 <= amount <= MAX_COST_USD / unit_usd:
        return None
    exact = Decimal(str(amount)) * unit_usd * PER_UNIT
    return Micros(int(exact.to_integral_value(ROUND_UP)))
