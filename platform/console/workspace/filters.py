"""What a list of generations is filtered by: read from the address, written into links."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.urls import reverse

from accounts.models import ApiKey
from console.workspace.access import May, Workspace
from console.workspace.periods import (
    HOUR_FORMAT,
    WORDS,
    Period,
    period_of,
    period_of_day,
    period_of_hour,
)
from console.workspace.telling import BADGES
from generation.models import Source, State
from generation.searching import Wanted
from pictor.kit.money import Micros, from_decimal

MAX_TEXT = 200
LABELS = {
    "mode": "Mode",
    "q": "Search",
    "status": "Status",
    "model": "Model",
    "key": "Key",
    "tier": "Tier",
    "source": "Source",
    "period": "Ended",
    "over": "Cost over",
}
TESTS = "test"
"""The word for a list of tests; without it, it is of live ones."""
SOURCES = {Source.API: "API", Source.PLAYGROUND: "Playground", Source.DEMO: "Demo data"}
FIRST_YEAR, LAST_YEAR = 2000, 9000
"""Ids carry the time they were made at: of days beyond these there are none."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What was asked for, as words, and the time, if any; what makes no sense is not there."""

    said: dict[str, str]
    wanted: Wanted
    period: Period | None

    def __bool__(self) -> bool:
        return bool(self.said)


def filters_of(query: QueryDict, keys: dict[str, ApiKey], now: datetime, zone: ZoneInfo) -> Filters:
    """The filters in an address: of live generations, unless tests or a test key are named.

    A `period` is one of WORDS, a day or an hour (`2026-11-21T14Z`). Links say a day as `day`, which
    a period takes the place of.

    Args:
        query: of the request.
        keys: the workspace's, by public id.
        now: where periods end.
        zone: whose days they are.
    """
    read = _readers(keys, now, zone)
    said: dict[str, str] = {}
    meant: dict[str, Any] = {}
    for name in (*LABELS, "day"):
        word = query.get(name, "").replace("\0", "").strip()[:MAX_TEXT]
        value = read.get(name, str)(word) if word else None
        if value is not None:
            said[name], meant[name] = word, value
    if "day" in said:
        said.setdefault("period", said.pop("day"))
        meant.setdefault("period", meant.pop("day"))
    key: ApiKey | None = meant.get("key")
    if key is not None and key.is_test:
        said["mode"] = TESTS
    period: Period | None = meant.get("period")
    wanted = Wanted(
        livemode="mode" not in said,
        status=said.get("status", ""),
        source=said.get("source", ""),
        model=said.get("model", ""),
        tier=said.get("tier", ""),
        key_id=key.id if key else None,
        ended_since=period.start if period else None,
        ended_until=period.end if period else None,
        text=said.get("q", ""),
        cost_over=meant.get("over"),
    )
    return Filters(said, wanted, period)


def _readers(
    keys: Mapping[str, ApiKey], now: datetime, zone: ZoneInfo
) -> Mapping[str, Callable[[str], Any]]:
    """What each filter's word means, and None for one that makes no sense; others are words."""
    return {
        "mode": lambda word: word if word == TESTS else None,
        "status": lambda word: word if word in State.values else None,
        "source": lambda word: word if word in Source.values else None,
        "key": keys.get,
        "period": lambda word: (
            period_of(word, now, zone) if word in WORDS else _day(word, zone) or _hour(word, zone)
        ),
        "day": lambda word: _day(word, zone),
        "over": _amount,
    }


def _day(word: str, zone: ZoneInfo) -> Period | None:
    try:
        day = date.fromisoformat(word)
    except ValueError:
        return None
    return period_of_day(day, zone) if FIRST_YEAR <= day.year < LAST_YEAR else None


def _hour(word: str, zone: ZoneInfo) -> Period | None:
    try:
        hour = datetime.strptime(word, HOUR_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return period_of_hour(hour, zone) if FIRST_YEAR <= hour.year < LAST_YEAR else None


def _amount(word: str) -> Micros | None:
    try:
        return from_decimal(word.removeprefix("$"))
    except ValueError:
        return None


def rows_for(workspace: Workspace, keys: Iterable[ApiKey] = ()) -> Callable[..., str]:
    """What says where the rows of a figure are listed: `rows(day="2026-11-21", model="dall-e-3")`.

    Empty where that list is not there, or would hold more than it was asked for: for a member who
    may not open it, for a key that is none of `keys`, and for a filter without a value.
    """
    url = reverse("workspace:generations", args=[workspace.tenant.public_id])
    known = {key.public_id for key in keys}
    may_open = May.SEE_GENERATIONS in workspace.may

    def rows(**said: str) -> str:
        is_whole = all(said.values()) and ("key" not in said or said["key"] in known)
        return f"{url}?{urlencode(said)}" if may_open and is_whole else ""

    return rows


def chips_of(
    filters: Filters, keys: Mapping[str, ApiKey], **others: str
) -> list[tuple[str, str, str]]:
    """Each filter's label, its value in words, and the list without it; `others` are kept."""
    chips = []
    for name, word in filters.said.items():
        left = {one: kept for one, kept in {**filters.said, **others}.items() if kept}
        del left[name]
        chips.append((LABELS[name], _words(name, word, filters, keys), "?" + urlencode(left)))
    return chips


def _words(name: str, word: str, filters: Filters, keys: Mapping[str, ApiKey]) -> str:
    match name:
        case "status":
            return BADGES[State(word)][1]
        case "source":
            return SOURCES[Source(word)]
        case "key":
            return keys[word].name or "Unnamed"
        case "over":
            return "$" + word.removeprefix("$")
        case "period":
            return dict(period_choices(filters))[word]
        case _:
            return word


def period_choices(filters: Filters) -> list[tuple[str, str]]:
    """Every period for a choice, with the words for it; a day or an hour, if the list is of one."""
    choices = [
        (name, words if name == "month" else f"Last {words}") for name, words in WORDS.items()
    ]
    period = filters.period
    if period and period.name not in WORDS:
        start = period.start.astimezone(period.zone)
        words = (
            f"{start:%-d %b %Y, %H:%M}" if period.bucket == "hour" else f"{period.first:%-d %b %Y}"
        )
        choices.append((filters.said["period"], words))
    return choices
