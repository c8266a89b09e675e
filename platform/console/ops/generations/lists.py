"""Generations across tenants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from console.amounts import price
from console.ops.access import Permission
from console.ops.generations.one import cost_words
from console.ops.lists import MODES, TENANT, mode_of
from console.parts.cells import Cell, Column
from console.parts.generation_words import BADGES, ERRORS
from console.parts.list_filters import CODE, periods, span_in
from console.parts.listing import Choices, Filter, Listing, RowPage, Search, chosen, ticked
from console.parts.periods import UTC_ZONE, WORDS, period_of
from console.parts.pictures import otherwise
from generation.catalogue.snapshot import current_catalogue
from generation.channels.errors import AttemptClass
from generation.models import Attempt, Generation, State
from generation.oversight.inspection import Called, called_for
from generation.oversight.searching.generations import (
    MAX_SCANNED_ROWS,
    GenerationFilter,
    page_across,
)
from generation.selectors import channel_names, with_images
from pictor.kit.words import clock, ids
from pictor.kit.words.money import to_decimal

TIMES = "\N{MULTIPLICATION SIGN}"
WORDS_SOUGHT = ("model", "size", "quality", "state", "code", "channel")
"""Filters that are sought as they were typed or chosen."""
TOO_WIDE = (
    "Across all tenants, at most 24 hours can be searched: choose a tenant or a shorter period."
)
CLASSES = {
    attempt_class.value: attempt_class.value.replace("_", " ").capitalize()
    for attempt_class in AttemptClass
}


def _has_tenant(search: Search[Any]) -> bool:
    return "tenant" in search.meant


def _models(_search: Search[Any]) -> Choices:
    return [(model, model) for model in current_catalogue().contracts]


def _channels(_search: Search[Any]) -> Choices:
    return [(channel, channel) for channel in channel_names()]


FILTERS = {
    "tenant": TENANT,
    "state": chosen("Status", {state.value: BADGES[state][1] for state in State}, every="Any"),
    "model": Filter(label="Model", choices=_models, every="Any"),
    "channel": Filter(label="Channel", choices=_channels, every="Any"),
    "period": periods(
        "Made",
        every=lambda search: "All time" if _has_tenant(search) else "Last 24 hours",
        among=lambda search: WORDS if _has_tenant(search) else ("24h",),
    ),
    "size": Filter(label="Size", example="1024x1024"),
    "quality": Filter(label="Quality billed", chip="Quality", example="medium"),
    "class": chosen("Attempt ended as", CLASSES, chip="Attempt", every="Any"),
    "code": CODE,
    "loss": ticked("Losses only", chip="Losses", words="may have been billed for nothing"),
    "late": ticked("Past its deadline", chip="Deadline", words="has passed"),
}


def sought_by(search: Search[Any]) -> GenerationFilter:
    """Return the filter of the search; without a tenant and a period, the last 24 hours apply.

    Raises ValueError if it covers too much.
    """
    now, meant, (since, until) = clock.now(), search.meant, span_in(search)
    if since is None and "tenant" not in meant:
        usual = period_of("24h", now, UTC_ZONE)
        since, until = usual.start, usual.end
    sought = GenerationFilter(
        mode=mode_of(search).value,
        tenant_id=meant["tenant"].id if "tenant" in meant else None,
        since=since,
        until=until,
        **{name: word for name, word in meant.items() if name in WORDS_SOUGHT},
        attempt_class=meant.get("class", ""),
        has_loss="loss" in meant,
        late_at=now if "late" in meant else None,
    )
    if sought.is_too_wide:
        raise ValueError(TOO_WIDE)
    return sought


@dataclass(frozen=True, slots=True)
class CalledGeneration:
    made: Generation
    called: Called
    mode: str
    sizes: Sequence[str]
    """Those of all images that were delivered."""
    origins: Sequence[str]

    @property
    def code(self) -> str:
        """The code of the error that the caller got; empty if there is none."""
        return str((self.made.error or {}).get("code") or "")

    @property
    def otherwise(self) -> Sequence[str]:
        """How the delivery differs from the request, in short."""
        return otherwise(self.made, self.sizes)

    @property
    def last(self) -> Attempt | None:
        return self.called.last


def _read(sought: GenerationFilter, after: str, limit: int) -> RowPage[CalledGeneration]:
    page = page_across(sought, after=ids.parse(ids.GENERATION, after), limit=limit)
    called = called_for([generation.id for generation in page.rows])
    return RowPage(
        [
            CalledGeneration(
                of.generation, called[of.generation.id], sought.mode, of.sizes, of.origins
            )
            for of in with_images(page.rows)
        ],
        ids.public(ids.GENERATION, page.last) if page.last else "",
        searched=MAX_SCANNED_ROWS if page.is_cut else 0,
    )


def _summary(search: Search[CalledGeneration]) -> str:
    tenant, sought = search.meant.get("tenant"), search.query
    words = f"Generations of {tenant.name if tenant else 'all tenants'}"
    if sought is None or sought.since is None:
        return words
    return (
        f"{words}, made from {sought.since:%-d %b %Y, %H:%M} to {sought.until:%-d %b %Y, %H:%M} UTC"
    )


def _generation(row: CalledGeneration) -> Cell:
    page = reverse("ops:generation", args=[row.made.public_id])
    return Cell(row.made.public_id, page, note=row.made.tenant.name, is_code=True)


def _state(row: CalledGeneration) -> Cell:
    badge, words = BADGES[State(row.made.state)]
    why = filter(None, (row.code, ERRORS.get(row.code)))
    return Cell(words, badge=badge, note=": ".join(why))


def _model(row: CalledGeneration) -> Cell:
    number = f"{row.made.n} {TIMES} " if row.made.n > 1 else ""
    return Cell(row.made.model, note=number + row.made.size_requested.replace("x", TIMES))


def _channel(row: CalledGeneration) -> Cell:
    if row.last is None:
        return Cell("none called")
    number = len(row.called.attempts)
    ended = row.last.attempt_class or "under way"
    return Cell(row.last.channel.name, note=ended + (f", attempt {number}" if number > 1 else ""))


def _seconds(row: CalledGeneration) -> str:
    ended = row.made.finished_at
    return f"{(ended - row.made.created_at).total_seconds():.1f} s" if ended else "…"


def _cost(row: CalledGeneration) -> Cell:
    called = row.called
    return Cell(
        "unknown" if called.unknown else cost_words(called),
        note="loss" if called.lost else "",
        tone="bad" if called.lost else "warn" if called.unknown else "",
    )


GENERATIONS = Listing[CalledGeneration](
    name="generations",
    title="Generations",
    lead="Every accepted request of every tenant, with its price, cost and channel.",
    things="generations",
    needs=Permission.SEE,
    order="newest first",
    query=sought_by,
    read=_read,
    modes=MODES,
    filters=FILTERS,
    summary=_summary,
    columns=[
        Column(title="Generation", cell=_generation),
        Column(title="Status", cell=_state),
        Column(title="Model", cell=_model),
        Column(title="Channel", cell=_channel),
        Column(title="Time", cell=_seconds, is_number=True),
        Column(title="Charged", cell=lambda row: price(row.made.charged_micros), is_number=True),
        Column(title="Cost", cell=_cost, is_number=True),
        Column(title="Made", cell=lambda row: Cell(at=row.made.created_at), is_number=True),
        Column(
            csv={
                "id": lambda row: row.made.public_id,
                "created": lambda row: row.made.created_at,
                "finished": lambda row: row.made.finished_at or "",
                "mode": lambda row: row.mode,
                "tenant": lambda row: row.made.tenant.name,
                "tenant_id": lambda row: row.made.tenant.public_id,
                "state": lambda row: row.made.state,
                "code": lambda row: row.code,
                "model": lambda row: row.made.model,
                "size": lambda row: row.made.size_requested,
                "n": lambda row: row.made.n,
                "attempts": lambda row: len(row.called.attempts),
                "channel": lambda row: row.last.channel.name if row.last else "",
                "class": lambda row: row.last.attempt_class if row.last else "",
                "http_status": lambda row: (row.last.http_status or "") if row.last else "",
                "charged": lambda row: to_decimal(row.made.charged_micros),
                "cost": lambda row: to_decimal(row.called.known_cost),
                "cost_unknown": lambda row: row.called.unknown,
                "currency": lambda _row: "USD",
                "request": lambda row: row.made.request_id,
                "delivered_sizes": lambda row: " ".join(row.sizes),
                "content_credentials": lambda row: " ".join(row.origins),
            }
        ),
    ],
    empty=(
        "No requests in the last 24 hours",
        (
            "Every accepted request appears here, whether it succeeded or failed. Choose a tenant"
            " to look further back."
        ),
    ),
    empty_in={
        "test": (
            "No tests in the last 24 hours",
            (
                "Test keys are served by a sandbox and move no money. Choose a tenant to look"
                " further back."
            ),
        ),
        "demo": (
            "No demo data in the last 24 hours",
            (
                "A demo workspace\N{RIGHT SINGLE QUOTATION MARK}s history is written when it is"
                " seeded. Choose it to look further back."
            ),
        ),
    },
    rest="shorten the period",
    row_id=lambda row: row.made.public_id,
    choice=lambda row: row.made.public_id if row.made.charged_micros and row.mode == "live" else "",
    template="ops/generations.html",
    cell_template="ops/generation_cell.html",
)
