"""All channels: who serves, how well and at what cost; what needs somebody stands first."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Max
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing.selectors import Margin, margins
from console.ops.access import May, Mode, Operator, staff
from console.ops.channels.shown import Badge, badge_of, bars, minutes_in_words, mode_said, modes_of
from console.parts.exports import Rows, csv_answer
from console.parts.filters import link_of
from console.uptime import State
from generation import lease
from generation.catalogue.services import is_sandbox
from generation.models import Channel, ChannelTrial, PendingRevision, Serves
from generation.traffic.events import Shut, shut_now
from generation.traffic.minutes import Now, now_of_each
from generation.traffic.standing import NEEDS_SOMEBODY, Standing, standing_of
from pictor.kit import clock
from pictor.kit.money import Micros, to_decimal

DAYS = timedelta(days=7)
FEW_MODELS = 2
"""That are named in a row; of more, how many."""
COLUMNS = (
    "id", "name", "kind", "serves", "models", "standing", "why", "calls_30_minutes",
    "failed_30_minutes", "share", "p95_seconds", "cost_usd_7_days", "revenue_usd_7_days",
    "margin_usd_7_days", "images_7_days", "images_of_unknown_cost", "routes", "untested",
    "tested_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listed:
    """A row. `share` is of the calls for its models; `sold` is of seven days, today too."""

    channel: Channel
    models: Sequence[str]
    untested: Sequence[str]
    now: Now
    standing: Standing
    why: str
    share: float | None
    sold: Margin | None
    tested_at: datetime | None
    waits: bool
    """It has a pending revision."""

    @property
    def badge(self) -> Badge:
        """Its colour and its word."""
        return badge_of(self.standing)

    @property
    def bars(self) -> list[tuple[State, str]]:
        """Its last 30 minutes."""
        return bars(self.now)

    @property
    def sentence(self) -> str:
        """The same in words."""
        return minutes_in_words(self.now)

    @property
    def percent(self) -> float | None:
        """Of the calls for its models, those that it was asked."""
        return None if self.share is None else 100 * self.share

    @property
    def image_cost(self) -> Micros | None:
        """What an image cost, of those whose cost is known."""
        known = self.sold.images - self.sold.unknown_images if self.sold else 0
        return Micros(self.sold.cost // known) if self.sold and known else None

    @property
    def loses(self) -> bool:
        """Whether it brought less than it cost; a sandbox costs nothing."""
        is_real = not is_sandbox(self.channel.serves)
        return is_real and self.sold is not None and self.sold.margin < 0

    @property
    def lacks_costs(self) -> bool:
        """Whether images were sold of which nobody knows the cost."""
        is_real = not is_sandbox(self.channel.serves)
        return is_real and self.sold is not None and self.sold.unknown_images > 0

    @property
    def needs_somebody(self) -> bool:
        """Whether an operator should look at it."""
        if not self.channel.is_enabled:
            return False
        is_odd = self.loses or self.lacks_costs or self.waits
        return is_odd or self.standing in NEEDS_SOMEBODY

    @property
    def few_models(self) -> Sequence[str]:
        """Those that are named; none where there are too many."""
        return self.models if len(self.models) <= FEW_MODELS else ()


_CHIPS: Mapping[str, tuple[str, Callable[[Listed], bool]]] = {
    "": ("All", lambda row: row.standing != Standing.ARCHIVED),
    "attention": ("Needs attention", lambda row: row.needs_somebody),
    "paused": ("Paused", lambda row: row.standing == Standing.PAUSED),
    "archived": ("Archived", lambda row: row.standing == Standing.ARCHIVED),
}


@require_safe
@staff(May.SEE)
def listing(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """The channels of one mode that fit what is asked for, the worst first."""
    found = rows_of(operator.mode, now=clock.now())
    models = sorted({model for row in found for model in row.models})
    model = request.GET.get("model", "")
    of_model = [row for row in found if model in {"", *row.models}]
    chosen = request.GET.get("show", "")
    _, fits = _CHIPS.get(chosen, _CHIPS[""])
    rows = [row for row in of_model if fits(row)]
    if request.GET.get("format") == "csv":
        return csv_answer("channels.csv", COLUMNS, [_cells(rows)])
    said = {"mode": mode_said(operator), "model": model}
    context = {
        "operator": operator,
        "rows": rows,
        "has_any": bool(found),
        "summary": _summary(found),
        "chips": [
            (link_of(said, show=name), word, sum(map(is_so, of_model)), name == chosen)
            for name, (word, is_so) in _CHIPS.items()
        ],
        "modes": modes_of(operator, model=model),
        "models": models,
        "model": model,
        "said": said | {"show": chosen},
        "csv": link_of(said, show=chosen, format="csv"),
        "at": clock.now(),
    }
    return render(request, "ops/channels.html", context)


def rows_of(mode: Mode, *, now: datetime) -> list[Listed]:
    """Every channel that takes such requests, those that need somebody first."""
    channels = Channel.objects.prefetch_related("routes")
    served = {Mode.LIVE: Serves.TEST, Mode.TEST: Serves.LIVE}.get(mode)
    channels = channels.exclude(serves=served) if served else channels
    lately = now_of_each(now=now, mode=mode.value)
    totals = sum((Counter(one.models) for one in lately.values()), Counter[str]())
    sold = _sold(mode, now)
    tested = dict(
        ChannelTrial.objects.filter(pending=False, started_at__isnull=False)
        .values_list("channel")
        .annotate(Max("started_at"))
    )
    waiting = set(PendingRevision.objects.values_list("channel_id", flat=True))
    shut: dict[int, list[Shut]] = defaultdict(list)
    for one in shut_now():
        shut[one.channel_id].append(one)
    workers = lease.alive().workers
    rows = []
    for channel in channels:
        models = sorted(route.contract_id for route in channel.routes.all())
        untested = sorted(one.contract_id for one in channel.routes.all() if not one.is_approved)
        calls = lately[channel.pk]
        standing, why = standing_of(
            channel, calls, shut=shut[channel.pk], workers=workers, untested=untested
        )
        every = sum(totals[model] for model in models)
        mine = sum(calls.models.get(model, 0) for model in models)
        rows.append(
            Listed(
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


def _summary(rows: Sequence[Listed]) -> str:
    """As '1 down, 2 degraded'."""
    counts = Counter(row.standing for row in rows if row.standing in NEEDS_SOMEBODY)
    said = ", ".join(f"{counts[one]} {one}" for one in Standing if counts[one])
    return f"{said}." if said else "Accounts at vendors that requests are sent to."


def _sold(mode: Mode, now: datetime) -> Mapping[str, Margin]:
    """By channel's name; tests sell nothing."""
    if mode == Mode.TEST:
        return {}
    first = (now.astimezone(UTC) - DAYS).date() + timedelta(days=1)
    found = margins(by="channel", first=first, is_demo=mode == Mode.DEMO)
    return {one.group["channel"]: one for one in found}


def _worst_first(row: Listed) -> tuple[int, bool, float, int, str]:
    failed = sum(cell.failed for cell in row.now.cells)
    share = failed / max(1, failed + sum(cell.delivered for cell in row.now.cells))
    place = list(Standing).index(row.standing)
    return place, not row.needs_somebody, -share, row.channel.priority, row.channel.name


def _cells(rows: Sequence[Listed]) -> Rows:
    return [
        [
            row.channel.pk, row.channel.name, row.channel.kind, row.channel.serves,
            " ".join(row.models), row.standing.value, row.why,
            sum(cell.calls for cell in row.now.cells), sum(cell.failed for cell in row.now.cells),
            "" if row.share is None else round(row.share, 4),
            "" if row.now.p95 is None else round(row.now.p95, 1),
            *(
                [to_decimal(row.sold.cost), to_decimal(row.sold.revenue),
                 to_decimal(row.sold.margin), row.sold.images, row.sold.unknown_images]
                if row.sold else [""] * 5
            ),
            len(row.models), " ".join(row.untested),
            row.tested_at.isoformat() if row.tested_at else "",
        ]
        for row in rows
    ]  # fmt: skip
