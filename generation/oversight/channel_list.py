"""All channels with their calls, costs and condition; those that need an operator first."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Max

from billing.selectors.office.sold import Margin, margins
from generation.catalogue.services import is_sandbox
from generation.catalogue.traffic import Mode
from generation.catalogue.traffic.channel_events import Shut, shut_now
from generation.catalogue.traffic.minutes import Now, now_of_each
from generation.catalogue.traffic.standing import NEEDS_SOMEBODY, ChannelStatus, standing_of
from generation.lifecycle import lease
from generation.models import Channel, ChannelTrial, PendingRevision, Serves
from pictor.kit.words.money import Micros

FIGURES_PERIOD = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ListedChannel:
    """A channel's row. `share` is of its models' calls; `sold` covers seven days with today."""

    channel: Channel
    models: Sequence[str]
    untested: Sequence[str]
    now: Now
    standing: ChannelStatus
    why: str
    share: float | None
    sold: Margin | None
    tested_at: datetime | None
    waits: bool
    """It has a pending revision."""

    @property
    def percent(self) -> float | None:
        """The channel's share of its models' calls, in percent."""
        return None if self.share is None else 100 * self.share

    @property
    def image_cost(self) -> Micros | None:
        """The average cost of an image, over images with a known cost."""
        known = self.sold.images - self.sold.unknown_images if self.sold else 0
        return Micros(self.sold.cost // known) if self.sold and known else None

    @property
    def loses(self) -> bool:
        """True if the channel earned less than it cost; never true of a sandbox."""
        is_real = not is_sandbox(self.channel.serves)
        return is_real and self.sold is not None and self.sold.margin < 0

    @property
    def lacks_costs(self) -> bool:
        """True if images without a known cost were sold."""
        is_real = not is_sandbox(self.channel.serves)
        return is_real and self.sold is not None and self.sold.unknown_images > 0

    @property
    def needs_somebody(self) -> bool:
        """True if an operator should look at the channel."""
        if not self.channel.is_enabled:
            return False
        is_odd = self.loses or self.lacks_costs or self.waits
        return is_odd or self.standing in NEEDS_SOMEBODY


def listed_channels(*, mode: Mode, now: datetime) -> list[ListedChannel]:
    """Every channel that takes requests of this mode, those that need an operator first."""
    channels = Channel.objects.prefetch_related("routes")
    served = {"live": Serves.TEST, "test": Serves.LIVE}.get(mode)
    channels = channels.exclude(serves=served) if served else channels
    lately = now_of_each(now=now, mode=mode)
    totals = sum((Counter(recent.models) for recent in lately.values()), Counter[str]())
    sold = _margins_by_channel(mode, now)
    tested = dict(
        ChannelTrial.objects.filter(pending=False, started_at__isnull=False)
        .values_list("channel")
        .annotate(Max("started_at"))
    )
    waiting = set(PendingRevision.objects.values_list("channel_id", flat=True))
    shut: dict[int, list[Shut]] = defaultdict(list)
    for event in shut_now():
        shut[event.channel_id].append(event)
    workers = lease.live_workers().workers
    rows = []
    for channel in channels:
        routes = channel.routes.all()
        models = sorted(route.contract_id for route in routes)
        untested = sorted(route.contract_id for route in routes if not route.is_approved)
        calls = lately[channel.pk]
        standing, why = standing_of(
            channel, calls, shut=shut[channel.pk], workers=workers, models=models, untested=untested
        )
        every = sum(totals[model] for model in models)
        mine = sum(calls.models.get(model, 0) for model in models)
        rows.append(
            ListedChannel(
                channel=channel,
                models=models,
                untested=untested,
                now=calls,
                standing=standing,
                why=why,
                share=mine / every if every else None,
                sold=sold.get(channel.name),
                tested_at=tested.get(channel.pk),
                waits=channel.pk in waiting,
            )
        )
    return sorted(rows, key=_worst_first)


def _margins_by_channel(mode: Mode, now: datetime) -> Mapping[str, Margin]:
    """Margins by channel name; empty for tests, which sell nothing."""
    if mode == "test":
        return {}
    first = (now.astimezone(UTC) - FIGURES_PERIOD).date() + timedelta(days=1)
    sums = margins(by="channel", first=first, is_demo=mode == "demo")
    return {margin.group["channel"]: margin for margin in sums}


def _worst_first(row: ListedChannel) -> tuple[int, bool, float, int, str]:
    failed = sum(cell.failed for cell in row.now.cells)
    share = failed / max(1, failed + sum(cell.delivered for cell in row.now.cells))
    place = list(ChannelStatus).index(row.standing)
    return place, not row.needs_somebody, -share, row.channel.priority, row.channel.name
