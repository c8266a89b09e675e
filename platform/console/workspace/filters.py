"""What a list of generations is filtered by: read from the address, written into links."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.urls import reverse

from accounts.models import ApiKey
from console.workspace.access import May, Workspace
from console.workspace.periods import HOUR, WORDS, Period, period_in, period_of
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
MANY = ("model", "key", "tier")
"""Filters that may name several values."""
AND = ","
"""Between them."""
MAX_MANY = 1000
"""Of an address, for one filter: each bar of a chart may have such a link."""


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

    A `period` is one of WORDS, a day or an hour (`2026-11-21T14Z`), or from one to another
    (`2026-11-01..2026-11-20`). Links say a day as `day`, which a period takes the place of. Several
    models, keys and tiers are separated by commas.

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
        word = query.get(name, "").replace("\0", "").strip()
        word = word[: MAX_MANY if name in MANY else MAX_TEXT]
        value = read.get(name, str)(word) if word else None
        if value is not None:
            said[name], meant[name] = word, value
    if "day" in said:
        said.setdefault("period", said.pop("day"))
        meant.setdefault("period", meant.pop("day"))
    chosen: list[ApiKey] = meant.get("key", [])
    if any(key.is_test for key in chosen):
        said["mode"] = TESTS
    period: Period | None = meant.get("period")
    wanted = Wanted(
        livemode="mode" not in said,
        status=said.get("status", ""),
        source=said.get("source", ""),
        models=_parts(said.get("model", "")),
        tiers=_parts(said.get("tier", "")),
        key_ids=[key.id for key in chosen],
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
        "model": lambda word: word if _parts(word) else None,
        "tier": lambda word: word if _parts(word) else None,
        "status": lambda word: word if word in State.values else None,
        "source": lambda word: word if word in Source.values else None,
        "key": lambda word: _keys(word, keys),
        "period": lambda word: (
            period_of(word, now, zone) if word in WORDS else period_in(word, zone)
        ),
        "day": lambda word: period_in(word, zone),
        "over": _amount,
    }


def _parts(word: str) -> list[str]:
    return [part for part in word.split(AND) if part]


def _keys(word: str, keys: Mapping[str, ApiKey]) -> list[ApiKey] | None:
    found = [keys.get(part) for part in _parts(word)]
    known = [key for key in found if key is not None]
    return known if known and len(known) == len(found) else None


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
        is_whole = all(said.values()) and known.issuperset(_parts(said.get("key", "")))
        return f"{url}?{urlencode(said)}" if may_open and is_whole else ""

    return rows


def several(name: str, values: Sequence[str]) -> dict[str, str]:
    """What an address says for all of these; nothing for none, and for more than it can hold ""."""
    word = AND.join(values) if all(values) else ""
    return {name: word if len(word) <= MAX_MANY else ""} if values else {}


def choices_of_several(filters: Filters, keys: Mapping[str, ApiKey]) -> dict[str, str]:
    """By filter: the words for its values, where it has several."""
    return {
        name: _words(name, filters.said[name], filters, keys)
        for name in MANY
        if AND in filters.said.get(name, "")
    }


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
    if name in MANY and AND in word:
        first, *others = _parts(word)
        word, more = first, f" and {len(others)} more"
    else:
        more = ""
    return _word(name, word, filters, keys) + more


def _word(name: str, word: str, filters: Filters, keys: Mapping[str, ApiKey]) -> str:
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
        choices.append((filters.said["period"], words_for(period)))
    return choices


def words_for(period: Period) -> str:
    """A day, an hour, or from one to another, in words."""
    if period.bucket == "hour":
        start, end = period.start.astimezone(period.zone), period.end.astimezone(period.zone)
        said = f"{start:%-d %b %Y, %H:%M}"
        return said if end - start == HOUR else f"{said} to {end:%-d %b %Y, %H:%M}"
    first, last = period.first, period.last
    return f"{first:%-d %b %Y}" + ("" if first == last else f" to {last:%-d %b %Y}")
