"""Filters of lists: words read from the query string, and written into links."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import QueryDict

from console.parts.page_query import refuse
from console.parts.periods import HOUR, LENGTHS, WORDS, Period
from pictor.kit.words import typed
from pictor.kit.words.money import Micros

PAGE_ROWS = 50
"""The most rows on a page of a list."""
MAX_TEXT = 200
AND = ","
"""The separator of a filter's values."""
MAX_MANY = 1000
"""The most characters of a filter with several values: each bar of a chart may link to one."""

Read = Callable[[str], Any]
"""Returns the meaning of a filter's word, or None if it is invalid."""


class Chip(NamedTuple):
    """A link to the same page with another choice, and the number of rows there, if it is shown."""

    link: str
    words: str
    is_chosen: bool
    number: int | None = None


def words_in(
    query: QueryDict, readers: Mapping[str, Read], *, many: Collection[str] = ()
) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the query string's words by filter, and their meanings; invalid ones are refused.

    Args:
        query: the request's query string.
        readers: every filter of the list, in the order of its chips.
        many: the filters that may name several values.
    """
    texts: dict[str, str] = {}
    meant: dict[str, Any] = {}
    for name, read in readers.items():
        word = query.get(name, "").replace("\0", "").strip()
        word = word[: MAX_MANY if name in many else MAX_TEXT]
        value = read(word) if word else None
        if word and value is None:
            refuse(query, name)
        if value is not None:
            texts[name], meant[name] = word, value
    return texts, meant


def one_of(words: Collection[str]) -> Read:
    return lambda word: word if word in words else None


def like(pattern: re.Pattern[str]) -> Read:
    return lambda word: word if pattern.fullmatch(word) else None


def values_of(word: str) -> list[str]:
    return [part for part in word.split(AND) if part]


def several(name: str, values: Sequence[str]) -> dict[str, str]:
    """The query for all these values: {} for none, and "" if they are too long or one is empty."""
    word = AND.join(values) if all(values) else ""
    return {name: word if len(word) <= MAX_MANY else ""} if values else {}


def amount_of(word: str) -> Micros | None:
    """Read dollars, such as 12.50 or $12.50."""
    try:
        return typed.amount(word)
    except ValueError:
        return None


def link_of(filters: Mapping[str, str], **others: str) -> str:
    """A link to the list with these filters and `others`, without empty ones."""
    return "?" + urlencode({name: word for name, word in {**filters, **others}.items() if word})


def chips_of(
    filters: Mapping[str, str],
    labels: Mapping[str, str],
    words: Callable[[str, str], str],
    **others: str,
) -> list[tuple[str, str, str]]:
    """Each filter's label, its value in words, and a link without it; `others` stay in the link.

    `words` gives the words for the value of a filter, by the filter's name.
    """
    return [
        (labels[name], words(name, word), link_of({**filters, **others, name: ""}))
        for name, word in filters.items()
    ]


def period_choices(word: str, period: Period | None) -> list[tuple[str, str]]:
    """The periods to choose from with their words; the list's own day, hour or span comes last.

    `word` is the value of `period` in the query string.
    """
    choices = [
        (name, f"Last {words}" if name in LENGTHS else words) for name, words in WORDS.items()
    ]
    if period and period.name not in WORDS:
        choices.append((word, words_for(period)))
    return choices


def words_for(period: Period) -> str:
    """The words for a period: a day, an hour, or a range of these."""
    if period.bucket == "hour":
        start, end = period.start.astimezone(period.zone), period.end.astimezone(period.zone)
        beginning = f"{start:%-d %b %Y, %H:%M}"
        return beginning if end - start == HOUR else f"{beginning} to {end:%-d %b %Y, %H:%M}"
    first, last = period.first, period.last
    return f"{first:%-d %b %Y}" + ("" if first == last else f" to {last:%-d %b %Y}")
