"""One real, small and cheap call straight through a channel's adapter, and its result.

A channel that test keys may use is asked for what only a sandbox delivers: a size that a directive
in the prompt names, in place of the one that was asked for. It is asked so of each of the
upstream's models, because an address may pass some on to a vendor and draw others itself.
Nothing is admitted, held or stored; the vendor may charge for it. A disabled channel can be tried
too: that is when an operator wants to know whether it works.
"""

import time
from contextlib import aclosing
from dataclasses import dataclass

from django.conf import settings

from billing.selectors import current_table
from generation.catalogue.contracts import AUTO, Size
from generation.catalogue.snapshot import route_info
from generation.channels.base import ChannelConfig, UpstreamRequest
from generation.channels.origins import private_origins
from generation.channels.registry import open_adapter
from generation.models import Channel, Contract, Route, Serves
from pictor.kit import clock
from pictor.kit.http import HttpPool
from pictor.kit.spool import SpoolBudget, Spools
from storage import probe

PROMPT = "A red fox in the snow"
SIZE = "1024x1024"
SANDBOX_SIZE = "48x32"
"""That no vendor makes."""
QUALITY = "low"


class NothingToTry(ValueError):
    """The channel serves no model."""


class WrongImage(Exception):
    """An answer came, without the image that was asked for."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A request that is ready to be sent. `model` is the public name."""

    config: ChannelConfig
    model: str
    size: str
    quality: str | None
    is_of_sandbox: bool = False

    @property
    def prompt(self) -> str:
        """What the image is to show."""
        return f"{PROMPT} [sandbox: size={SANDBOX_SIZE}]" if self.is_of_sandbox else PROMPT


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What one call brought: the image's true pixels, and how long it took."""

    milliseconds: int
    facts: probe.ImageFacts
    size_bytes: int


def prepare(channel: Channel) -> tuple[Trial, ...]:
    """The cheapest thing to ask this channel for, of a sandbox for each of the upstream's models.

    Raises NothingToTry when it has no routes.
    """
    routes = channel.routes.select_related("contract").order_by("contract__position")
    table = current_table(None, clock.now())

    def price(route: Route) -> float:  # compared only: inf stands for unpriced
        row = table.rows.get((route.contract_id, SIZE, _quality(route.contract)))
        return float("inf") if row is None else row.micros

    cheapest = sorted(routes, key=price)
    if not cheapest:
        raise NothingToTry(f"the channel {channel.name} serves no model")
    if channel.serves == Serves.LIVE:
        return (_trial(channel, cheapest[0]),)
    by_model = {route.upstream_model: route for route in reversed(cheapest)}
    return tuple(_trial(channel, by_model[model]) for model in sorted(by_model))


def _trial(channel: Channel, route: Route) -> Trial:
    quality = _quality(route.contract)
    return Trial(
        config=route_info(route).config(channel.timeout_seconds),
        model=route.contract_id,
        size=_size(route.sizes if route.sizes is not None else channel.sizes),
        quality=route.quality_map.get(quality, quality),
        is_of_sandbox=channel.serves != Serves.LIVE,
    )


async def attempt(trial: Trial) -> TrialResult:
    """Ask once and look at the bytes. Raises UpstreamError, NotAnImage or WrongImage."""
    request = UpstreamRequest(
        model=trial.model, prompt=trial.prompt, size=trial.size, quality=trial.quality
    )
    origins = private_origins(
        channel=trial.config.name, base_url=trial.config.base_url, allow=settings.EGRESS_ALLOW
    )
    async with aclosing(HttpPool(egress_allow=origins)) as http:
        with Spools(settings.SPOOL, SpoolBudget(settings.SPOOL_BUDGET_BYTES)) as spools:
            started = time.monotonic()
            answer = await open_adapter(trial.config, http, spools).generate(request)
            milliseconds = round((time.monotonic() - started) * 1000)
            spool = answer.images[0].spool
            facts = probe.verify(spool)
            _check(trial, facts)
            return TrialResult(milliseconds, facts, spool.size)


def _check(trial: Trial, facts: probe.ImageFacts) -> None:
    if trial.is_of_sandbox and facts.size != SANDBOX_SIZE:
        raise WrongImage("this is no sandbox, so it cannot serve test keys")
    if not trial.is_of_sandbox and trial.size not in {AUTO, facts.size}:
        raise WrongImage(f"asked for {trial.size}, got {facts.size}")


def _quality(contract: Contract) -> str:
    return QUALITY if QUALITY in contract.qualities else contract.qualities[0]


def _size(native: list[str] | None) -> str:
    """1024x1024 where the channel takes it, otherwise its smallest size."""
    if native is None or SIZE in native:
        return SIZE
    sizes = [Size.parse(size) for size in native if size != AUTO]
    return str(min(sizes, key=lambda size: size.pixels)) if sizes else AUTO
