"""The list of channels with health and costs; those that need an operator come first."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console.ops.access import Operator, Permission, modes_of, staff
from console.ops.channels.shown import Badge, badge_of, bars, minutes_in_words
from console.parts.exports import Rows, csv_answer
from console.parts.filters import link_of
from console.uptime import State
from generation.catalogue.traffic.standing import NEEDS_SOMEBODY, ChannelStatus
from generation.oversight.channel_list import ListedChannel, listed_channels
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal

FEW_MODELS = 2
"""Number of models named in a row; the rest is counted."""
COLUMNS = (
    "id", "name", "kind", "serves", "models", "standing", "why", "calls_30_minutes",
    "failed_30_minutes", "share", "p95_seconds", "cost_usd_7_days", "revenue_usd_7_days",
    "margin_usd_7_days", "images_7_days", "images_of_unknown_cost", "routes", "untested",
    "tested_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChannelRow:
    of: ListedChannel

    @property
    def badge(self) -> Badge:
        """The standing as a colour and a word."""
        return badge_of(self.of.standing)

    @property
    def bars(self) -> list[tuple[State, str]]:
        """The last 30 minutes as bars."""
        return bars(self.of.now)

    @property
    def sentence(self) -> str:
        """The last 30 minutes in words."""
        return minutes_in_words(self.of.now)

    @property
    def serves(self) -> tuple[Sequence[str], Sequence[str]]:
        """The models: those named in the row, and the rest."""
        return _first_few(self.of.models)

    @property
    def waits(self) -> tuple[Sequence[str], Sequence[str]]:
        """The models that wait for a test: those named in the row, and the rest."""
        return _first_few(self.of.untested)


_CHIPS: Mapping[str, tuple[str, Callable[[ListedChannel], bool]]] = {
    "": ("All", lambda row: row.standing != ChannelStatus.ARCHIVED),
    "attention": ("Needs attention", lambda row: row.needs_somebody),
    "paused": ("Paused", lambda row: row.standing == ChannelStatus.PAUSED),
    "archived": ("Archived", lambda row: row.standing == ChannelStatus.ARCHIVED),
}


@staff(Permission.SEE)
@require_safe
def listing(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """List the channels of one mode that match the filters, the worst first."""
    listed = listed_channels(mode=operator.mode.value, now=clock.now())
    models = sorted({model for row in listed for model in row.models})
    model = request.GET.get("model", "")
    of_model = [row for row in listed if model in {"", *row.models}]
    chosen = request.GET.get("show", "")
    _, fits = _CHIPS.get(chosen, _CHIPS[""])
    rows = [row for row in of_model if fits(row)]
    if request.GET.get("format") == "csv":
        return csv_answer("channels.csv", COLUMNS, [_cells(rows)])
    filters = {"mode": operator.mode.query, "model": model}
    context = {
        "operator": operator,
        "rows": [ChannelRow(row) for row in rows],
        "has_any": bool(listed),
        "summary": _summary(listed),
        "chips": [
            (link_of(filters, show=name), word, sum(map(is_so, of_model)), name == chosen)
            for name, (word, is_so) in _CHIPS.items()
        ],
        "modes": modes_of(operator, model=model),
        "models": models,
        "model": model,
        "query": filters | {"show": chosen},
        "csv": link_of(filters, show=chosen, format="csv"),
        "at": clock.now(),
    }
    return render(request, "ops/channels.html", context)


def _first_few(models: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    return models[:FEW_MODELS], models[FEW_MODELS:]


def _summary(rows: Sequence[ListedChannel]) -> str:
    """Summarise the standings: '1 down, 2 degraded'."""
    counts = Counter(row.standing for row in rows if row.standing in NEEDS_SOMEBODY)
    counted = ", ".join(f"{counts[status]} {status}" for status in ChannelStatus if counts[status])
    return f"{counted}." if counted else "Your accounts at vendors, to which requests are sent."


def _cells(rows: Sequence[ListedChannel]) -> Rows:
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
