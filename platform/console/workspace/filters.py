"""What a list of generations is filtered by: read from the address, written into links."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from accounts.models import ApiKey
from console.workspace.periods import PERIODS, WORDS
from generation.models import Source, State
from generation.searching import Wanted
from pictor.kit.money import Micros, from_decimal

MAX_TEXT = 200
NAMES = ("q", "status", "model", "tier", "key", "period", "day", "over", "source")
DAY = timedelta(days=1)
FIRST_YEAR, LAST_YEAR = 2000, 9000
"""Ids carry the time they were made at: of days beyond these there are none."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What was asked for, as words; what makes no sense is not there."""

    said: dict[str, str]
    wanted: Wanted

    @property
    def query(self) -> str:
        """The filters as an address says them."""
        return urlencode(self.said)

    def __bool__(self) -> bool:
        return bool(self.said)


def filters_of(query: QueryDict, keys: dict[str, ApiKey], now: datetime) -> Filters:
    """The filters in an address.

    Args:
        query: of the request.
        keys: the workspace's, by public id.
        now: where periods end.
    """
    read: Mapping[str, Callable[[str], Any]] = {
        "status": lambda word: word if word in State.values else None,
        "source": lambda word: word if word in Source.values else None,
        "key": keys.get,
        "period": PERIODS.get,
        "day": _day,
        "over": _amount,
    }
    said: dict[str, str] = {}
    meant: dict[str, Any] = {}
    for name in NAMES:
        word = query.get(name, "").replace("\0", "").strip()[:MAX_TEXT]
        value = read.get(name, str)(word) if word else None
        if value is not None:
            said[name], meant[name] = word, value
    key, day = meant.get("key"), meant.get("day")
    since = now - meant["period"] if "period" in meant else None
    wanted = Wanted(
        status=said.get("status", ""),
        source=said.get("source", ""),
        model=said.get("model", ""),
        tier=said.get("tier", ""),
        key_id=key and key.id,
        since=day or since,
        until=day and day + DAY,
        text=said.get("q", ""),
        cost_over=meant.get("over"),
    )
    return Filters(said, wanted)


def _day(word: str) -> datetime | None:
    try:
        day = datetime.fromisoformat(f"{word}T00:00:00+00:00")
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year < LAST_YEAR else None


def _amount(word: str) -> Micros | None:
    try:
        return from_decimal(word.removeprefix("$"))
    except ValueError:
        return None


def period_choices() -> list[tuple[str, str]]:
    """Every period for a choice, with the words for it."""
    return [(name, f"Last {words}") for name, words in WORDS.items()]
