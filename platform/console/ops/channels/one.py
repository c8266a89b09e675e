"""One channel: its calls now, and its routes, errors, costs and history as tabs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

from console.ops.access import Mode, Operator, Permission, modes_of, or_404, rendered, staff
from console.ops.channels import costs, errors, history, routes
from console.ops.channels.shown import BADGES, Badge, bars, minutes_in_words, state_of
from console.parts.filters import Chip, link_of
from console.parts.page_query import word_of
from generation.catalogue.traffic.channel_events import Kind, Shut, shut_now
from generation.catalogue.traffic.minutes import Now, now_of
from generation.catalogue.traffic.standing import calls_under_way, standing_of
from generation.lifecycle import lease
from generation.models import Channel
from generation.selectors import channel_with_routes, workers_among
from pictor.kit.words import clock

_SHUT_WORDS = {
    Kind.BREAKER_OPENED: "Breaker open",
    Kind.GATE_CLOSED: "Asked to wait by the vendor",
}


@dataclass(frozen=True, slots=True)
class HeldShut:
    """A breaker or gate that a worker holds shut, for one model or all, since a time."""

    words: str
    model: str
    worker: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ChannelPage:
    """The data that every tab gets."""

    channel: Channel
    now: Now
    shut: list[Shut]
    at: datetime
    mode: Mode
    query: Mapping[str, str]


def _now_context(page: ChannelPage) -> dict[str, Any]:
    cells = page.now.cells
    delivered = sum(cell.delivered for cell in cells)
    judged = delivered + sum(cell.failed for cell in cells)
    return {
        "bars": bars(page.now),
        "sentence": minutes_in_words(page.now),
        "minutes": [
            (cell, state_of(cell), cell.calls - cell.delivered - cell.failed)
            for cell in reversed(cells)
            if cell.calls
        ],
        "calls": sum(cell.calls for cell in cells),
        "delivered": delivered,
        "judged": judged,
        "success": 100 * delivered / judged if judged else None,
        "under_way": calls_under_way(page.channel),
        "held": _held_shut(page.shut),
    }


def _held_shut(shut: list[Shut]) -> list[HeldShut]:
    workers = workers_among([event.worker for event in shut])
    return [
        HeldShut(
            _SHUT_WORDS[Kind(event.kind)], event.model, str(workers[event.worker]), event.since
        )
        for event in shut
        if event.worker in workers
    ]


def _errors_context(page: ChannelPage) -> dict[str, Any]:
    span = word_of(page.query, "hours", errors.SPANS, errors.USUAL)
    return errors.details(page.channel, span, at=page.at, mode=page.mode)


def _history_context(page: ChannelPage) -> dict[str, Any]:
    return history.history_context(page.channel, page.query.get("before", ""), at=page.at)


_TABS: Mapping[str, tuple[str, Callable[[ChannelPage], dict[str, Any]]]] = {
    "now": ("Now", _now_context),
    "routes": ("Routes", lambda page: {"routes": routes.routes_shown(page.channel, at=page.at)}),
    "errors": ("Errors", _errors_context),
    "cost": ("Cost", lambda page: costs.cost_context(page.channel, at=page.at)),
    "history": ("History", _history_context),
}
_BY_MODE = frozenset({"now", "errors"})
"""Tabs that show the requests of one mode; the others show the channel."""


@staff(Permission.SEE)
def channel(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Show a channel, also an archived one, at the tab in the address."""
    found, at = or_404(channel_with_routes(channel)), clock.now()
    shut = [event for event in shut_now() if event.channel_id == found.pk]
    mode = operator.mode
    page = ChannelPage(found, now_of(found, now=at, mode=mode.value), shut, at, mode, request.GET)
    tab = word_of(request.GET, "tab", _TABS, "now")
    badge, why = _standing(page)
    context = {
        "channel": found,
        "host": urlsplit(found.base_url).netloc,
        "badge": badge,
        "why": why,
        "pending": getattr(found, "pending", None),
        "now": page.now,
        "at": at,
        "tab": tab,
        "tabs": [
            Chip(link_of({"tab": name}, mode=operator.mode.query), words, name == tab)
            for name, (words, _) in _TABS.items()
        ],
        "modes": modes_of(operator, tab=tab) if tab in _BY_MODE else [],
        "kept": operator.mode.query,
        "template": f"ops/channel_{tab}.html",
        **_TABS[tab][1](page),
    }
    return rendered(request, operator, "ops/channel.html", context)


def _standing(page: ChannelPage) -> tuple[Badge, str]:
    routes = page.channel.routes.all()
    standing, why = standing_of(
        page.channel,
        page.now,
        shut=page.shut,
        workers=lease.live_workers().workers,
        models=[route.contract_id for route in routes],
        untested=[route.contract_id for route in routes if not route.is_approved],
    )
    return BADGES[standing], why
