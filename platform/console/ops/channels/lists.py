"""The list of channels with health and costs; those that need an operator come first."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.template.defaultfilters import floatformat
from django.urls import reverse

from console.amounts import total
from console.ops.access import Permission
from console.ops.channels.shown import BADGES, bars, minutes_in_words
from console.ops.lists import MODES, mode_of
from console.parts.cells import Cell, Column
from console.parts.filters import link_of
from console.parts.listing import Choices, Filter, Listing, RowPage, Search, Tabs, chosen
from console.uptime import State
from generation.catalogue.traffic.standing import NEEDS_SOMEBODY, ChannelStatus
from generation.oversight.channel_list import ListedChannel, listed_channels
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal

FEW_MODELS = 2
"""Number of models named in a row; the rest is counted."""


@dataclass(frozen=True, slots=True)
class ChannelRow:
    of: ListedChannel
    mode: str

    @property
    def bars(self) -> list[tuple[State, str]]:
        return bars(self.of.now)

    @property
    def sentence(self) -> str:
        return minutes_in_words(self.of.now)

    @property
    def serves(self) -> tuple[Sequence[str], Sequence[str]]:
        """The models: those named in the row, and the rest."""
        return self.of.models[:FEW_MODELS], self.of.models[FEW_MODELS:]

    @property
    def waits(self) -> tuple[Sequence[str], Sequence[str]]:
        """The models that wait for a test: those named in the row, and the rest."""
        return self.of.untested[:FEW_MODELS], self.of.untested[FEW_MODELS:]


@dataclass(frozen=True, slots=True)
class SoughtChannels:
    """All channels of a mode, and those among them of the model and with the standing."""

    listed: Sequence[ListedChannel]
    of_model: Sequence[ListedChannel]
    rows: Sequence[ChannelRow]


_CHIPS: Mapping[str, tuple[str, Callable[[ListedChannel], bool]]] = {
    "": ("All", lambda row: row.standing != ChannelStatus.ARCHIVED),
    "attention": ("Needs attention", lambda row: row.needs_somebody),
    "paused": ("Paused", lambda row: row.standing == ChannelStatus.PAUSED),
    "archived": ("Archived", lambda row: row.standing == ChannelStatus.ARCHIVED),
}


def _query(search: Search[ChannelRow]) -> SoughtChannels:
    listed = listed_channels(mode=mode_of(search).value, now=clock.now())
    model, (_, fits) = search.meant.get("model", ""), _CHIPS[search.meant.get("show", "")]
    of_model = [row for row in listed if model in {"", *row.models}]
    rows = [ChannelRow(row, search.mode) for row in of_model if fits(row)]
    return SoughtChannels(listed, of_model, rows)


def _tabs(search: Search[ChannelRow]) -> Tabs:
    of_model = search.query.of_model
    return [(name, words, sum(map(is_so, of_model))) for name, (words, is_so) in _CHIPS.items()]


def _models(search: Search[ChannelRow]) -> Choices:
    return [(name, name) for name in sorted({m for row in search.query.listed for m in row.models})]


def _lead(search: Search[ChannelRow]) -> str:
    """Summarise the standings: '1 down, 2 degraded'."""
    standings = [row.standing for row in search.query.listed]
    counts = Counter(standing for standing in standings if standing in NEEDS_SOMEBODY)
    counted = ", ".join(f"{counts[status]} {status}" for status in ChannelStatus if counts[status])
    return f"{counted}." if counted else "Your accounts at vendors, to which requests are sent."


def _channel(row: ChannelRow) -> Cell:
    channel = row.of.channel
    page = reverse("ops:channel", args=[channel.pk])
    return Cell(
        channel.name, page + (link_of({"mode": row.mode}) if row.mode else ""), channel.kind
    )


def _state(row: ChannelRow) -> Cell:
    badge, words = BADGES[row.of.standing]
    return Cell(words, badge=badge, note=row.of.why)


def _sold(name: str) -> Callable[[ChannelRow], object]:
    return lambda row: getattr(row.of.sold, name) if row.of.sold else ""


def _sum(name: str) -> Callable[[ChannelRow], object]:
    return lambda row: to_decimal(getattr(row.of.sold, name)) if row.of.sold else ""


def _cost(row: ChannelRow) -> str:
    if row.of.sold is None:
        return "tests sell nothing" if row.mode == "test" else "nothing sold"
    return f"{total(row.of.sold.cost)}, {row.of.sold.bound}{total(row.of.sold.margin)}"


def _routes(row: ChannelRow) -> str:
    number = len(row.of.models)
    words = ", ".join(row.of.untested)
    return f"not tested: {words}" if words else f"{number} route{'' if number == 1 else 's'}"


CHANNELS = Listing[ChannelRow](
    name="channels",
    title="Channels",
    lead=_lead,
    things="channels",
    needs=Permission.SEE,
    order="those that need attention first",
    query=_query,
    read=lambda sought, _after, _limit: RowPage(sought.rows),
    modes=MODES,
    filters={
        "model": Filter(label="Model", choices=_models, every="Every model"),
        "show": chosen(
            "Which channels",
            {name: words for name, (words, _) in _CHIPS.items() if name},
            tabs=_tabs,
        ),
    },
    columns=[
        Column(title="Channel", cell=_channel),
        Column(
            title="Serves",
            cell=lambda row: Cell(
                ", ".join(row.of.models), note=row.of.channel.get_serves_display()
            ),
        ),
        Column(title="Last 30 minutes", cell=_state, place="lead"),
        Column(
            title="Share",
            cell=lambda row: "" if row.of.percent is None else f"{floatformat(row.of.percent, 0)}%",
            is_number=True,
        ),
        Column(
            title="p95",
            cell=lambda row: "" if row.of.now.p95 is None else f"{row.of.now.p95:.1f} s",
            is_number=True,
        ),
        Column(title="Cost and margin, 7 days", cell=_cost, is_number=True),
        Column(title="Tested", cell=_routes),
        Column(title="Actions", cell=lambda _row: "", place="actions"),
        Column(
            csv={
                "id": lambda row: row.of.channel.pk,
                "name": lambda row: row.of.channel.name,
                "kind": lambda row: row.of.channel.kind,
                "serves": lambda row: row.of.channel.serves,
                "models": lambda row: " ".join(row.of.models),
                "standing": lambda row: row.of.standing.value,
                "why": lambda row: row.of.why,
                "calls_30_minutes": lambda row: sum(cell.calls for cell in row.of.now.cells),
                "failed_30_minutes": lambda row: sum(cell.failed for cell in row.of.now.cells),
                "share": lambda row: "" if row.of.share is None else round(row.of.share, 4),
                "p95_seconds": lambda row: (
                    "" if row.of.now.p95 is None else round(row.of.now.p95, 1)
                ),
                "cost_usd_7_days": _sum("cost"),
                "revenue_usd_7_days": _sum("revenue"),
                "margin_usd_7_days": _sum("margin"),
                "images_7_days": _sold("images"),
                "images_of_unknown_cost": _sold("unknown_images"),
                "routes": lambda row: len(row.of.models),
                "untested": lambda row: " ".join(row.of.untested),
                "tested_at": lambda row: row.of.tested_at or "",
            }
        ),
    ],
    empty=(
        "No channels yet",
        "A channel is your account at a vendor, to which requests are sent.",
    ),
    empty_in={
        "test": ("No channel serves test keys", "Channels for live requests are under Live."),
        "demo": ("No channels", "Channels for live requests are under Live."),
    },
    row_id=lambda row: f"channel-{row.of.channel.pk}",
    is_polled=True,
    template="ops/channels.html",
    cell_template="ops/channel_cell.html",
)
