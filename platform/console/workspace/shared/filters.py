"""Filters of lists of generations: read from the query string, written into links."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.urls import reverse

from accounts.models import ApiKey
from billing.price_rows import ANY
from billing.selectors import used_of
from console.parts import filters as parts
from console.parts.filters import AND, amount_of, one_of, period_choices, values_of, words_in
from console.parts.generation_words import BADGES, ERRORS
from console.parts.periods import WORDS, Period, period_in, period_of
from console.workspace.access import Permission, Workspace
from generation.models import Source
from generation.tenants.searching import Criteria
from pictor.kit.words.money import Micros

LABELS = {
    "mode": "Mode",
    "q": "Search",
    "status": "Status",
    "error": "Error",
    "model": "Model",
    "key": "Key",
    "tier": "Tier",
    "source": "Source",
    "period": "Ended",
    "over": "Cost over",
}
TESTS = "test"
"""The mode of a list of tests; without it, the list is of live generations."""
CHOICES: Mapping[str, Mapping[str, str]] = {
    "status": {state.value: words for state, (_, words) in BADGES.items()},
    "error": ERRORS,
    "source": {Source.API: "API", Source.PLAYGROUND: "Playground", Source.DEMO: "Demo data"},
}
"""The values of filters that have the same in every workspace, with their words."""
MANY = ("model", "key", "tier")
"""Filters that may name several values."""


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters as words and as a query, with the period, if any; invalid ones are left out."""

    query: dict[str, str]
    wanted: Criteria
    period: Period | None

    def __bool__(self) -> bool:
        return bool(self.query)


def filters_of(
    query: QueryDict,
    keys: dict[str, ApiKey],
    now: datetime,
    zone: ZoneInfo,
    *,
    among: Collection[str] = (*LABELS, "day"),
) -> Filters:
    """Read a query string's filters: of live generations, unless tests or a test key are named.

    A `period` is one of WORDS, a day or an hour (`2026-11-21T14Z`), or a range
    (`2026-11-01..2026-11-20`). Links give a day as `day`, which a `period` overrides. Several
    models, keys and tiers are separated by commas.

    Args:
        query: the request's query string.
        keys: the workspace's keys, by public id.
        now: the end of named periods.
        zone: the time zone of their days.
        among: the filters that the page has.
    """
    readers = {name: read for name, read in _readers(keys, now, zone).items() if name in among}
    texts, meant = words_in(query, readers, many=MANY)
    if "day" in texts:
        texts.setdefault("period", texts.pop("day"))
        meant.setdefault("period", meant.pop("day"))
    chosen: list[ApiKey] = meant.get("key", [])
    if any(key.is_test for key in chosen):
        texts["mode"] = TESTS
    period: Period | None = meant.get("period")
    wanted = Criteria(
        livemode="mode" not in texts,
        status=texts.get("status", ""),
        error=texts.get("error", ""),
        source=texts.get("source", ""),
        models=values_of(texts.get("model", "")),
        tiers=values_of(texts.get("tier", "")),
        key_ids=[key.id for key in chosen],
        ended_since=period.start if period else None,
        ended_until=period.end if period else None,
        text=texts.get("q", ""),
        cost_over=meant.get("over"),
    )
    return Filters(texts, wanted, period)


def _readers(
    keys: Mapping[str, ApiKey], now: datetime, zone: ZoneInfo
) -> Mapping[str, Callable[[str], Any]]:
    """The reader of each filter's word, in the order of LABELS."""
    return {
        "mode": one_of([TESTS]),
        "q": str,
        "status": one_of(CHOICES["status"]),
        "error": one_of(ERRORS),
        "model": lambda word: word if values_of(word) else None,
        "key": lambda word: _keys(word, keys),
        "tier": lambda word: word if values_of(word) else None,
        "source": one_of(CHOICES["source"]),
        "period": lambda word: (
            period_of(word, now, zone) if word in WORDS else period_in(word, zone)
        ),
        "over": _cost,
        "day": lambda word: period_in(word, zone),
    }


def _cost(word: str) -> Micros | None:
    amount = amount_of(word)
    return None if amount is None or amount < 0 else amount


def _keys(word: str, keys: Mapping[str, ApiKey]) -> list[ApiKey] | None:
    named = [keys.get(part) for part in values_of(word)]
    known = [key for key in named if key is not None]
    return known if known and len(known) == len(named) else None


def rows_for(workspace: Workspace, keys: Iterable[ApiKey] = ()) -> Callable[..., str]:
    """Return a function that links to a figure's rows: `rows(day="2026-11-21", model="dall-e-3")`.

    The link is empty if the list would not match the figure: for a member who may not open it, for
    a key that is not in `keys`, and for a filter without a value.
    """
    url = reverse("workspace:generations", args=[workspace.tenant.public_id])
    known = {key.public_id for key in keys}
    may_open = Permission.SEE_GENERATIONS in workspace.may

    def rows(**query: str) -> str:
        is_whole = all(query.values()) and known.issuperset(values_of(query.get("key", "")))
        return f"{url}?{urlencode(query)}" if may_open and is_whole else ""

    return rows


def selects_of(
    workspace: Workspace,
    filters: Filters,
    keys: Mapping[str, ApiKey],
    *,
    among: Collection[str] = tuple(LABELS),
) -> Iterator[tuple[str, str, str, Sequence[tuple[str, str]], str]]:
    """Each filter with words to choose from: its name, label, words for none, and these, chosen.

    Of models it offers those on offer and those that the workspace has used.
    """
    every = workspace.catalogue.contracts
    off = [name for name, terms in every.items() if not terms.is_enabled]
    used = used_of(workspace.id, off, since=datetime.min.replace(tzinfo=UTC)) if off else {}
    contracts = {name: terms for name, terms in every.items() if terms.is_enabled or name in used}
    tiers = sorted({option.tier for terms in contracts.values() for option in terms.options})
    tiers += [ANY] if any(terms.size_rule for terms in contracts.values()) else []
    choices: dict[str, Sequence[tuple[str, str]]] = {
        "mode": [(TESTS, "Test keys")],
        **{name: [*words.items()] for name, words in CHOICES.items()},
        "model": [(model, model) for model in contracts],
        "key": [
            (name, f"{key.name or 'Unnamed'} · {key.visible_prefix}") for name, key in keys.items()
        ],
        "tier": [(tier, tier) for tier in tiers],
        "period": period_choices(filters.query.get("period", ""), filters.period),
    }
    none = {"mode": "Live keys", "period": "All time"}
    for name in filter(choices.__contains__, among):
        label = "Period" if name == "period" else LABELS[name]
        chosen = filters.query.get(name, "")
        is_several = name in MANY and AND in chosen
        several = [(chosen, _words(name, chosen, filters, keys))] if is_several else []
        yield name, label, none.get(name, "Any"), [*several, *choices[name]], chosen


def chips_of(
    filters: Filters, keys: Mapping[str, ApiKey], **others: str
) -> list[tuple[str, str, str]]:
    """Each filter's label, its value in words, and a link without it; `others` stay in the link."""
    return parts.chips_of(
        filters.query, LABELS, lambda name, word: _words(name, word, filters, keys), **others
    )


def _words(name: str, word: str, filters: Filters, keys: Mapping[str, ApiKey]) -> str:
    more = ""
    if name in MANY:
        word, *others = values_of(word)
        more = f" and {len(others)} more" if others else ""
    return _word(name, word, filters, keys) + more


def _word(name: str, word: str, filters: Filters, keys: Mapping[str, ApiKey]) -> str:
    match name:
        case "key":
            return keys[word].name or "Unnamed"
        case "over":
            return "$" + word.removeprefix("$")
        case "period":
            return dict(period_choices(word, filters.period))[word]
        case _:
            return CHOICES.get(name, {}).get(word, word)
