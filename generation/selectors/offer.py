"""Reads of the offer: channels, their routes, costs and trials, models, workers and stops."""

from collections.abc import Collection, Mapping
from datetime import datetime
from itertools import repeat
from uuid import UUID

from django.db.models import F, OuterRef, Prefetch, Q, QuerySet, Subquery

from billing.pixel_prices import terms_from
from billing.upstream_cost import CostRow, CostTable
from generation.models import Channel, ChannelTrial, Contract, Route, Serves, Stop, Worker
from generation.models import CostTable as StoredCosts
from pictor.kit.words.money import Micros

MAX_STOPS_SHOWN = 200
"""The most stops shown on the status page."""


def channel_by_id(number: int | None) -> Channel | None:
    """The channel, also an archived one."""
    return None if number is None else Channel.objects.filter(pk=number).first()


def channel_by_name(name: str) -> Channel | None:
    """The channel of that name, also an archived one."""
    return Channel.objects.filter(name=name).first()


def channel_with_routes(number: int) -> Channel | None:
    """The channel with its pending revision, and its routes in the order of the contracts."""
    routes = Route.objects.order_by("contract__position", "contract_id")
    channels = Channel.objects.select_related("pending")
    return channels.prefetch_related(Prefetch("routes", routes)).filter(pk=number).first()


def every_channel() -> list[Channel]:
    """All channels: those in use by name, then archived ones in the order of their archiving."""
    return list(Channel.objects.order_by(F("archived_at").asc(nulls_first=True), "name"))


def channels_like(text: str, *, limit: int) -> list[Channel]:
    """Channels with this text in their names, by name; archived ones, too."""
    return list(Channel.objects.filter(name__icontains=text).order_by("name")[:limit])


def channel_names() -> list[str]:
    """Names of all channels, archived ones included, in order."""
    return list(Channel.objects.order_by("name").values_list("name", flat=True))


def channel_numbers() -> dict[str, int]:
    return dict(Channel.objects.values_list("name", "id"))


def sandbox_names() -> "QuerySet[Channel, str]":
    """Names of the channels that test keys may use: their deliveries are no spending."""
    return Channel.objects.exclude(serves=Serves.LIVE).values_list("name", flat=True)


def channels_with_costs() -> list[Channel]:
    """Channels that have a cost table, in the order in which they are tried."""
    return list(Channel.objects.filter(cost_tables__isnull=False).distinct())


def flat_costs(channel: Channel) -> list[Route]:
    """The channel's routes with one cost for every image, by model."""
    return list(channel.routes.exclude(cost_micros=None).order_by("contract_id"))


def contract_by_name(model: str) -> Contract | None:
    return Contract.objects.filter(pk=model.replace("\0", "")).first()


def contracts() -> QuerySet[Contract]:
    """All contracts in their order, of models that are not offered, too."""
    return Contract.objects.all()


def successors_of(contract: Contract) -> list[str]:
    """Other models on offer, in order."""
    others = Contract.objects.filter(is_enabled=True).exclude(pk=contract.pk)
    return list(others.values_list("model", flat=True))


def last_trials(
    channel: Channel, *, pending: bool = False, only_begun: bool = True
) -> list[ChannelTrial]:
    """The newest trial of each model, of the serving routes or of the pending revision's.

    Trials that no worker has begun yet do not count unless `only_begun` is False.
    """
    rows = ChannelTrial.objects.filter(channel=channel, pending=pending)
    rows = rows.filter(started_at__isnull=False) if only_begun else rows
    return list(rows.order_by("model", "-created_at").distinct("model"))


def trial_with_picture(trial: UUID, *, channel: int) -> ChannelTrial | None:
    """That trial of the channel, if its image was stored."""
    return ChannelTrial.objects.filter(channel=channel, pk=trial).exclude(picture_key="").first()


def cost_tables(channels: Collection[int], since: datetime) -> Mapping[int, tuple[CostTable, ...]]:
    """Cost tables of each channel that were in force since then or will be."""
    earlier = StoredCosts.objects.filter(channel=OuterRef("channel"), effective_from__lte=since)
    last = earlier.order_by("-effective_from").values("effective_from")[:1]
    stored = StoredCosts.objects.filter(channel__in=channels).annotate(last=Subquery(last))
    stored = stored.filter(Q(last=None) | Q(effective_from__gte=F("last")))
    by_channel: dict[int, list[CostTable]] = {channel: [] for channel in channels}
    for row in stored.order_by("effective_from", "id"):
        by_channel[row.channel_id].append(cost_table_of(row))
    return {channel: tuple(tables) for channel, tables in by_channel.items()}


def stored_cost_tables(channel: Channel) -> list[StoredCosts]:
    """A channel's cost tables, in the order in which they take over."""
    return list(StoredCosts.objects.filter(channel=channel).order_by("effective_from", "id"))


def cost_table_of(stored: StoredCosts) -> CostTable:
    rows = (
        CostRow(model, size, quality, Micros(micros), kind, terms_from(terms))
        for (model, size, quality, kind, micros), terms in zip(
            stored.rows, stored.terms or repeat(None), strict=False
        )
    )
    return CostTable(stored.effective_from, {row.key: row for row in rows})


def present_stops() -> list[Stop]:
    """The stops under way, latest first."""
    under_way = Stop.objects.filter(ended_at=None).select_related("tenant")
    return list(under_way.order_by("-began_at", "-id"))


def public_stops(*, since: datetime) -> list[Stop]:
    """Public stops, of everything or a model, under way or ended since then, latest first."""
    public = Stop.objects.filter(tenant=None)
    stops = public.filter(Q(ended_at=None) | Q(ended_at__gte=since))
    return list(stops.order_by("-began_at", "-id")[:MAX_STOPS_SHOWN])


def workers_among(epochs: Collection[UUID]) -> dict[UUID, Worker]:
    """Image workers by epoch; unknown ones are missing."""
    return Worker.objects.in_bulk(list(epochs))
