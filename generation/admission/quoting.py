"""A request's order under its contract, the channels that could serve it, and its highest cost.

Nothing is spent or held here. Refuses requests that the contract does not allow, that no channel
can serve, or that have no price.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches

from accounts.callers import Caller
from billing import pricing
from billing.token_formula import GPT_IMAGE_2
from generation.admission import rules
from generation.admission.rules import Order
from generation.catalogue.contracts import AUTO, Catalogue, ContractTerms, StopTerms
from generation.catalogue.life import sunset_of
from generation.catalogue.plans import Candidate, plan
from generation.catalogue.selection import rank, shares
from generation.catalogue.snapshot import OnSale, on_sale, on_sale_async
from generation.channels.declaration import MissingAbility
from generation.models import NO_PRICE
from pictor.kit.watching import log
from pictor.kit.words.errors import (
    InsufficientQuota,
    InvalidRequest,
    ModelForbidden,
    NoChannelAvailable,
    NotFound,
    Paused,
    PictorError,
    Unavailable,
)
from pictor.kit.words.money import Micros
from pictor.kit.words.untyped import Json

logger = logging.getLogger(__name__)
_SNAPSHOT = re.compile(r"[-@:](\d{4}-?\d{2}-?\d{2}|latest|preview)$", re.ASCII)
_VENDOR = re.compile("^.*[/:]")
_ALIKE = 0.85
"""The likeness of a name from which on it is suggested."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """A valid order and its price."""

    order: Order
    contract: ContractTerms
    quote: pricing.Quote
    plan: Candidate
    """The plan of the first capable channel."""
    prices: pricing.PriceTable
    ignored: tuple[str, ...] | None = None
    """The fields that a channel of the best rank would not honour; None if nobody asked."""

    @property
    def least(self) -> Micros:
        """The cost if the upstream chooses the cheapest of the open sizes and qualities."""
        return pricing.least(self.prices, self.quote.priced)

    @property
    def reference(self) -> Micros | None:
        """The highest cost of each reference image; None if they are included."""
        row = self.prices.reference(self.order.model)
        return None if row is None else row.unit

    @property
    def open_fields(self) -> tuple[str, ...]:
        """The fields whose values the upstream chooses, and with them the price."""
        fields = {"size": self.order.size, "quality": self.order.quality}
        auto = (name for name, value in fields.items() if value == AUTO)
        row = self.prices.reference(self.order.model)
        by_tokens = self.quote.references and row is not None and row.kind != "each"
        return (*auto, *(["image"] if by_tokens else []))

    @property
    def is_final(self) -> bool:
        """True if size, quality and the price of each sent image are known."""
        return not self.open_fields


def check_ceiling(caller: Caller, now: datetime) -> None:
    """Raise InsufficientQuota at the day's ceiling of uncharged cost; a test costs nothing."""
    until = caller.uncharged_until
    if caller.livemode and until is not None and now < until:
        raise InsufficientQuota(
            "This workspace has reached today's ceiling on images that cost us and are not"
            " charged: of another size than `strict_size` allows, or refused by a content policy"
            f" afterwards. It resets at {until:%Y-%m-%dT%H:%M:%SZ}. Until then only test keys can"
            " make images.",
            limit="uncharged",
        )


def quoted_order(*, caller: Caller, request: Json, now: datetime, to_make: bool = False) -> Quoted:
    """The request's order under its contract and its highest cost. Spends and holds nothing.

    With `to_make`, raises Paused for stopped work; without it, a quote for that is still given.
    """
    sale = on_sale(revision=caller.revision, tenant_id=caller.tenant_id, now=now)
    return _quote(sale, caller, request, now=now, to_make=to_make)


async def quoted_order_async(
    *, caller: Caller, request: Json, now: datetime, to_make: bool = False
) -> Quoted:
    """Like `quoted_order`, on the running loop."""
    sale = await on_sale_async(revision=caller.revision, tenant_id=caller.tenant_id, now=now)
    return _quote(sale, caller, request, now=now, to_make=to_make)


def _quote(sale: OnSale, caller: Caller, request: Json, *, now: datetime, to_make: bool) -> Quoted:
    catalogue, table = sale
    contract = _contract(catalogue, caller, request["model"], now)
    # After the model's name was understood, before a channel or a price is looked at (ADR 0056).
    if to_make and (stop := catalogue.stop_of(contract.model, caller.tenant_id)):
        raise _paused_error(stop)
    order = rules.check(contract, request, key_response_format=caller.default_response_format)
    planned = _first_plan(catalogue, contract, order, livemode=caller.livemode)
    try:
        quote = pricing.quote(
            table,
            model=order.model,
            size=order.size,
            quality=order.quality,
            n=order.n,
            references=order.references,
            sold=contract.qualities,
            infers=contract.token_rule == GPT_IMAGE_2,
        )
    except pricing.PriceMissing:
        missing = f"{order.model} has no price for size {order.size} in quality {order.quality}"
        logger.warning("%s: publish a price book that has one", missing)
        raise Unavailable(
            f"{missing} at present. That is our fault. Try again later.", limit=NO_PRICE
        ) from None
    quoted = Quoted(order, contract, quote, planned, table)
    return _explained(quoted, catalogue, caller) if request.get("explain") else quoted


def _explained(quoted: Quoted, catalogue: Catalogue, caller: Caller) -> Quoted:
    """The quote with the plan of the channel that is most likely first, and all fields ignored."""
    order = quoted.order
    routes = catalogue.routes_for(order.model, livemode=caller.livemode)
    found = shares(routes, contract=quoted.contract, size=order.size, needs=order.needs)
    best = [share.candidate for share in found if order.allows(share.candidate)]
    first = [one for one in best if rank(one) == rank(best[0])]
    ignored = {
        name for one in first for name in one.ignored(order.sent, output_format=order.output_format)
    }
    return replace(quoted, plan=first[0], ignored=tuple(sorted(ignored)))


def _contract(catalogue: Catalogue, caller: Caller, model: str, now: datetime) -> ContractTerms:
    contract = catalogue.known(model, now)
    if contract is None:
        raise no_such_model(catalogue, caller, model, now)
    log.note(model=contract.model)
    if not caller.may_use(model):
        raise _refusal(caller, model)
    if contract.has_ended(now):
        raise sunset_of(catalogue, contract, now)
    return contract


def no_such_model(catalogue: Catalogue, caller: Caller, model: str, now: datetime) -> NotFound:
    """The error for an unknown model, with the one that is probably meant, if the key may use it.

    Other gateways' names have a vendor before it, capitals, or the date of a snapshot after it.
    """
    there = [terms.model for terms in catalogue.on_offer(now) if caller.may_use(terms.model)]
    bare = _VENDOR.sub("", _SNAPSHOT.sub("", re.sub("[_ ]", "-", model[:100].lower())))
    (meant,) = get_close_matches(bare, there, n=1, cutoff=_ALIKE) or [""]
    hint = f"Did you mean {meant!r}?" if meant else "GET /v1/models lists the models."
    return NotFound(
        f"The model {model[:100]!r} does not exist. {hint}", code="model_not_found", param="model"
    )


def _paused_error(stop: StopTerms) -> Paused:
    what = "This workspace" if stop.tenant_id else stop.model or "Image generation"
    words = f" {stop.words}" if stop.words else ""
    page = "" if stop.tenant_id else ": see /status/"
    return Paused(
        f"{what} has been paused by the operator since {stop.began_at:%Y-%m-%dT%H:%M:%SZ}.{words}"
        f" Nothing was charged. Retries are refused until it resumes{page}.",
        limit="paused",
    )


def _refusal(caller: Caller, model: str) -> ModelForbidden:
    """The refusal of a model, by the list that lacks it; by the key's if both lack it."""
    if caller.models is not None and model not in caller.models:
        return ModelForbidden(
            f"This API key may not use the model {model}."
            " Change the key's models on its page in the console.",
            limit="key",
        )
    return ModelForbidden(
        f"This workspace may not use the model {model}."
        " Its owners and admins choose its models in the settings.",
        limit="workspace",
    )


def _first_plan(
    catalogue: Catalogue, contract: ContractTerms, order: Order, *, livemode: bool
) -> Candidate:
    """The first capable channel's plan. Raises, before any money is held, if there is none."""
    routes = catalogue.routes_for(contract.model, livemode=livemode)
    if not routes and not livemode:
        raise NoChannelAvailable(
            f"Test keys are served only by a sandbox, and none serves {contract.model} here."
            " Ask the operator for one, or use a live key. You were not charged."
        )
    plans = (plan(route, contract=contract, size=order.size, needs=order.needs) for route in routes)
    usable = next((one for one in plans if one and order.allows(one)), None)
    if usable is None:
        raise _no_channel([route.abilities.lack(order.needs) for route in routes], order)
    return usable


def _no_channel(lacks: Sequence[MissingAbility | None], order: Order) -> PictorError:
    """The refusal if none of these routes fits: preferably one that the caller can correct."""
    reasons = [lack for lack in lacks if lack is not None]
    if not reasons or len(reasons) < len(lacks):
        what = f"serves {order.model} at {order.size}"
        return NoChannelAvailable(f"No channel {what} now. You were not charged.")
    lack = next((reason for reason in reasons if reason.field), reasons[0])
    message = f"No channel of {order.model} {lack.what} now. You were not charged."
    if lack.field:
        return InvalidRequest(message, code="invalid_image", param=lack.field)
    return NoChannelAvailable(message)
