"""The process's snapshot of the configuration: contracts, routes, stops, each tenant's prices.

It is loaded once per revision: every key look-up and claim brings the database's present revision
along, and a snapshot of another revision is replaced first. So no request sent after a channel was
disabled uses that channel.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import F

from accounts.selectors import UNMARKED_TENANTS, config_revision
from billing.pricing import PriceTable
from billing.selectors import table_to_charge
from billing.upstream_cost import Costs, CostTable
from generation.catalogue.contracts import (
    Catalogue,
    ContractTerms,
    RouteInfo,
    StopTerms,
    contract_from,
)
from generation.catalogue.credentials import decrypted
from generation.catalogue.parameters import Parameter
from generation.channels.registry import abilities_of
from generation.models import Attempt, Contract, Route, Serves, Stop
from generation.selectors import cost_tables
from pictor.kit.database import pools
from pictor.kit.words import clock

_lock = threading.Lock()
_loaded = Catalogue(revision=-1)
_tables: dict[tuple[int, UUID], PriceTable] = {}
COSTS_NEEDED_FOR = timedelta(days=1)
"""Attempts begun earlier have ended, so their costs are not needed."""
MAX_TABLES = 1024
"""The most price tables kept; the oldest go first."""


def catalogue_at(revision: int) -> Catalogue:
    """The snapshot of that revision; loads the present one if this process has another."""
    global _loaded  # noqa: PLW0603 - one snapshot a process, replaced whole under the lock
    if _loaded.revision != revision:
        with _lock:
            if _loaded.revision != revision:
                _loaded = _load(revision)
    return _loaded


def loaded_catalogue(revision: int) -> Catalogue | None:
    """The snapshot of that revision if this process has it; never asks the database."""
    return _loaded if _loaded.revision == revision else None


def latest_catalogue() -> Catalogue:
    """This process's snapshot, of any revision; the caller compares it."""
    return _loaded


def current_catalogue() -> Catalogue:
    """The snapshot of the present revision."""
    return catalogue_at(config_revision())


def prices_at(revision: int, tenant_id: UUID, *, now: datetime) -> PriceTable:
    """The tenant's prices at a revision of the configuration; read once, until they change."""
    table = _cached_prices(revision, tenant_id, now=now)
    if table is None:
        table = table_to_charge(tenant_id, clock.now())
        with _lock:
            while len(_tables) >= MAX_TABLES:
                del _tables[next(iter(_tables))]
            _tables[revision, tenant_id] = table
    return table


def _cached_prices(revision: int, tenant_id: UUID, *, now: datetime) -> PriceTable | None:
    table = _tables.get((revision, tenant_id))
    if table is None or table.valid_until is None or table.valid_until > now:
        return table
    return None


class OnSale(NamedTuple):
    """A tenant's models and prices at one revision of the configuration."""

    catalogue: Catalogue
    prices: PriceTable


def on_sale(*, revision: int, tenant_id: UUID, now: datetime) -> OnSale:
    """A tenant's offer; asks the database only for parts that this process lacks."""
    return OnSale(catalogue_at(revision), prices_at(revision, tenant_id, now=now))


async def on_sale_async(*, revision: int, tenant_id: UUID, now: datetime) -> OnSale:
    """Like `on_sale`, on the running loop; uses a thread if the database must be asked."""
    catalogue = loaded_catalogue(revision)
    prices = _cached_prices(revision, tenant_id, now=now)
    if catalogue is None or prices is None:
        return await pools.database(on_sale, revision=revision, tenant_id=tenant_id, now=now)
    return OnSale(catalogue, prices)


def stored_catalogue() -> Catalogue:
    """The stored configuration as this transaction sees it, without API keys, for display."""
    return _load(config_revision(), api_key="")


def _load(revision: int, api_key: str | None = None) -> Catalogue:
    """Load what is stored. `revision` was read before: a change since then is loaded again."""
    rows = list(Contract.objects.annotate(unmarked=UNMARKED_TENANTS).values())
    contracts = {row["model"]: contract_from(row) for row in rows}
    return Catalogue(
        revision=revision,
        contracts=contracts,
        routes=_routes(contracts, api_key),
        stops=_stops(),
        unmarked=frozenset(rows[0]["unmarked"] if rows else ()),
    )


def _stops() -> tuple[StopTerms, ...]:
    under_way = Stop.objects.filter(ended_at=None).order_by(
        F("tenant").asc(nulls_first=True), "model"
    )
    columns = under_way.values_list("model", "tenant_id", "words", "began_at")
    return tuple(StopTerms(*row) for row in columns)


def _routes(
    contracts: Mapping[str, ContractTerms], api_key: str | None
) -> Mapping[str, tuple[RouteInfo, ...]]:
    rows = Route.objects.select_related("channel").filter(
        channel__is_enabled=True, is_approved=True
    )
    found = list(rows.order_by("channel__priority", "channel__name"))
    tables = cost_tables({row.channel_id for row in found}, since=clock.now() - COSTS_NEEDED_FOR)
    routes: dict[str, list[RouteInfo]] = {}
    for row in found:
        info = route_info(
            row,
            tables=tables[row.channel_id],
            api_key=api_key,
            parameters=contracts[row.contract_id].parameters,
        )
        routes.setdefault(row.contract_id, []).append(info)
    return {model: tuple(infos) for model, infos in routes.items()}


def present_route(attempt: Attempt) -> RouteInfo:
    """The route of an attempt with its channel's present key and costs, paused, gone or not."""
    made, channel_id = attempt.generation, attempt.channel_id
    routes = Route.objects.select_related("channel")
    row = routes.filter(channel_id=channel_id, contract_id=made.model).first()
    row = row or Route(channel=attempt.channel, contract_id=made.model)
    row.upstream_model = attempt.upstream_model
    tables = cost_tables([channel_id], since=clock.now() - COSTS_NEEDED_FOR)
    info = route_info(row, tables=tables[channel_id])
    return info if made.livemode else replace(info, costs=Costs(is_free=True))


def route_info(
    row: Route,
    *,
    tables: tuple[CostTable, ...] = (),
    api_key: str | None = None,
    parameters: Sequence[Parameter] = (),
) -> RouteInfo:
    """A route with its channel, enabled or not; a given `api_key` replaces the channel's own."""
    channel = row.channel
    sizes = channel.sizes if row.sizes is None else row.sizes
    abilities = abilities_of(channel.kind, row.upstream_model, row.field_map).with_sizes(sizes)
    return RouteInfo(
        channel_id=channel.pk,
        channel_name=channel.name,
        kind=channel.kind,
        base_url=channel.base_url,
        api_key=decrypted(channel.credentials) if api_key is None else api_key,
        priority=channel.priority,
        weight=channel.weight,
        timeout_seconds=channel.timeout_seconds,
        queue_seconds=channel.queue_seconds,
        max_concurrency=channel.max_concurrency,
        reset_count=channel.reset_count,
        model=row.contract_id,
        upstream_model=row.upstream_model,
        quality_map=dict(row.quality_map),
        abilities=abilities.with_parameters(one.name for one in parameters).without(
            channel.ignored_fields,
            tasks=channel.refused_tasks,
            max_images=channel.max_images,
            max_n=int((channel.settings or {}).get("max_n", 0)),
        ),
        defaults={one.name: one.default for one in parameters if one.default is not None},
        settings=channel.settings or {},
        field_map=row.field_map or {},
        allows_exact_crop=channel.allows_exact_crop,
        allows_redispatch=channel.allows_redispatch,
        retry_is_free=channel.retry_is_free,
        keeps_credentials=channel.keeps_credentials,
        class_overrides={int(code): name for code, name in channel.class_overrides.items()},
        costs=Costs(row.cost_micros, tables),
        serves_live=channel.serves != Serves.TEST,
        serves_test=channel.serves != Serves.LIVE,
    )
