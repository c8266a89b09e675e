"""One real, small and cheap call of a route straight through its adapter, and its outcome.

A channel that test keys may use gets a request that only a sandbox can fulfil: a directive in the
prompt names another size than the one requested. Each of its routes gets it, because an address may
pass some models on to a vendor and draw others itself. A route that only edits gets a plain picture
to edit. Nothing is admitted or held; the vendor may charge for it. A disabled channel can be tried
too: that is when an operator wants to know whether it works.
"""

import struct
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from billing.token_formula import Delivered
from billing.upstream_cost import (
    NOTHING_CAME,
    Cost,
    Costs,
    CostTable,
    SentRequest,
    UpstreamResult,
    upstream_cost,
)
from generation.catalogue.contracts import AUTO, contract_from
from generation.catalogue.costs import cheapest_request
from generation.catalogue.snapshot import route_info
from generation.channels.base import ChannelConfig, LargeValue, UpstreamAnswer, UpstreamRequest
from generation.channels.declaration import Task
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.origins import private_origins
from generation.channels.registry import open_adapter
from generation.models import Route, Serves
from pictor.kit.bytes.spool import SpoolBudget, SpoolError, SpoolFile, Spools
from pictor.kit.outbound.http import HttpPool
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from storage import probe
from storage.containers.pieces import NotAnImage

PROMPT = "A red fox in the snow"
SANDBOX_SIZE = "48x32"
"""A size that no vendor makes."""
EDITED_SIDE = 1024
"""The width and height of the picture that is edited."""

Keep = Callable[[SpoolFile, probe.ImageFacts], Awaitable[None]]
"""Takes the image, whose spool ends with the call."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A request ready to be sent. `model` is the public name, the other fields are the vendor's.

    `digest` is that of everything it tests.
    """

    config: ChannelConfig
    model: str
    upstream_model: str
    size: str
    quality: str
    costs: Costs
    digest: str
    fields: Mapping[str, object] = field(default_factory=dict)
    is_of_sandbox: bool = False
    is_edit: bool = False

    @property
    def prompt(self) -> str:
        """The prompt, with the sandbox directive if the channel serves test keys."""
        return f"{PROMPT} [sandbox: size={SANDBOX_SIZE}]" if self.is_of_sandbox else PROMPT

    def cost(
        self, at: datetime, came: UpstreamResult = NOTHING_CAME, *, may_have_billed: bool = True
    ) -> Cost:
        """The cost of the trial's call at `at`, as far as it is known."""
        request = SentRequest(self.upstream_model, self.size, self.quality, n=1, at=at)
        return upstream_cost(self.costs, sent=request, came=came, may_have_billed=may_have_billed)


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """The result of one call: its class, and the image's true pixels if one came."""

    trial_class: AttemptClass
    milliseconds: int
    detail: str = ""
    may_have_billed: bool = True
    http_status: int | None = None
    request_id: str = ""
    answer: UpstreamAnswer | None = None
    facts: probe.ImageFacts | None = None
    size_bytes: int | None = None
    cost: Micros | None = None
    """As the vendor states it with a refusal."""

    @property
    def came(self) -> UpstreamResult:
        """The parts of the answer that decide its cost."""
        if self.answer is None:
            return UpstreamResult(reported=self.cost)
        usage = self.answer.usage
        return UpstreamResult(
            images=[Delivered(self.facts.width, self.facts.height)] if self.facts else [],
            tokens=None if usage is None else usage.counted,
            quality=self.answer.quality,
            reported=self.answer.cost,
            units=self.answer.units,
        )


def prepare(route: Route, *, tables: tuple[CostTable, ...], digest: str) -> Trial:
    """The request of the cheapest cell that the contract sells and the route makes.

    Raises WrongKey.
    """
    channel, contract = route.channel, contract_from(vars(route.contract))
    info = route_info(route, tables=tables, parameters=contract.parameters)
    asked = cheapest_request(info, contract, at=clock.now())
    return Trial(
        config=info.config(channel.timeout_seconds),
        model=route.contract_id,
        upstream_model=route.upstream_model,
        size=asked.size if asked else contract.default_size,
        quality=asked.quality if asked else "",
        fields={
            name: value for name, value in info.defaults.items() if name in info.abilities.fields
        },
        digest=digest,
        costs=Costs(is_free=True) if channel.serves == Serves.TEST else info.costs,
        is_of_sandbox=channel.serves != Serves.LIVE,
        is_edit=info.abilities.simplest.task == Task.EDIT,
    )


async def attempt(trial: Trial, keep: Keep) -> TrialOutcome:
    """Make the call and verify the image; `keep` gets any image, even a wrong one."""
    request = UpstreamRequest(
        model=trial.model,
        prompt=trial.prompt,
        size=trial.size,
        quality=trial.quality or None,
        fields=trial.fields,
        task=Task.EDIT if trial.is_edit else Task.GENERATE,
        images=(_picture_to_edit(),) if trial.is_edit else (),
    )
    origins = private_origins(
        channel=trial.config.name, base_url=trial.config.base_url, allow=settings.EGRESS_ALLOW
    )
    started = time.monotonic()
    async with aclosing(HttpPool(egress_allow=origins)) as http:
        with Spools(settings.SPOOL, SpoolBudget(settings.SPOOL_BUDGET_BYTES)) as spools:
            try:
                answer = await open_adapter(trial.config, http, spools).generate(request)
            except UpstreamError as error:
                return TrialOutcome(
                    trial_class=error.attempt_class,
                    milliseconds=_since(started),
                    detail=error.detail,
                    may_have_billed=error.may_have_billed,
                    http_status=error.http_status,
                    request_id=error.request_id,
                    cost=error.cost,
                )
            return await _examine(trial, answer, _since(started), keep)


def _picture_to_edit() -> LargeValue:
    """A light grey square, as a png in RGB: of 3 kB."""
    header = struct.pack(">IIBBBBB", EDITED_SIDE, EDITED_SIDE, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\xdd\xdd\xdd" * EDITED_SIDE) * EDITED_SIDE
    parts = {b"IHDR": header, b"IDAT": zlib.compress(rows), b"IEND": b""}
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts.items()
    )
    png = b"\x89PNG\r\n\x1a\n" + b"".join(chunks)

    async def read() -> AsyncIterator[bytes]:
        yield png

    return LargeValue(len(png), read, "data:image/png;base64,", pixels=EDITED_SIDE**2)


async def _examine(
    trial: Trial, answer: UpstreamAnswer, milliseconds: int, keep: Keep
) -> TrialOutcome:
    spool, facts = answer.images[0].spool, None
    try:
        facts = probe.verify(spool)
        await keep(spool, facts)
        detail = _complaint(trial, facts)
    except (NotAnImage, SpoolError) as error:
        detail = str(error)
    return TrialOutcome(
        trial_class=AttemptClass.BAD_RESULT if detail else AttemptClass.DELIVERED,
        milliseconds=milliseconds,
        detail=detail,
        http_status=answer.http_status,
        request_id=answer.request_id,
        answer=answer,
        facts=facts,
        size_bytes=spool.size,
    )


def _complaint(trial: Trial, facts: probe.ImageFacts) -> str:
    """Why the image is not the requested one; empty if it is."""
    if trial.is_of_sandbox and facts.size != SANDBOX_SIZE:
        return "this is no sandbox, so it cannot serve test keys"
    if not trial.is_of_sandbox and trial.size not in {AUTO, facts.size}:
        return f"asked for {trial.size}, got {facts.size}"
    return ""


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
