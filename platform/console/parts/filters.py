"""What a list is filtered by: words read from the address, and written into links."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from console.parts.periods import HOUR, WORDS, Period
from pictor.kit.words.money import Micros, from_decimal

MAX_TEXT = 200
AND = ","
"""Between the values of a filter that may have several."""
MAX_MANY = 1000
"""Of an address, for one filter: each bar of a chart may have such a link."""

Read = Callable[[str], Any]
"""What a filter's word means; None where it makes no sense."""


def words_in(
    query: QueryDict, readers: Mapping[str, Read], *, many: Collection[str] = ()
) -> tuple[dict[str, str], dict[str, Any]]:
    """What an address says by filter, and what that means; what makes no sense is in neither.

    Args:
        query: of the request.
        readers: every filter that the list has, in the order of its chips.
        many: those that may name several values.
    """
    said: dict[str, str] = {}
    meant: dict[str, Any] = {}
    for name, read in readers.items():
        word = query.get(name, "").replace("\0", "").strip()
        word = word[: MAX_MANY if name in many else MAX_TEXT]
        value = read(word) if word else None
        if value is not None:
            said[name], meant[name] = word, value
    return said, meant


def values_of(word: str) -> list[str]:
    """The values of a filter that may have several."""
    return [part for part in word.split(AND) if part]


def several(name: str, values: Sequence[str]) -> dict[str, str]:
    """What an address says for all of these; nothing for none, and for more than it can hold ""."""
    word = AND.join(values) if all(values) else ""
    return {name: word if len(word) <= MAX_MANY else ""} if values else {}


def amount_of(word: str) -> Micros | None:
    """Dollars, such as 12.50 or $12.50."""
    try:
        return from_decimal(word.removeprefix("$"))
    except ValueError:
        return None


def link_of(said: Mapping[str, str], **others: str) -> str:
    """The list with these filters and what else is not empty."""
    return "?" + urlencode({name: word for name, word in {**said, **others}.items() if word})


def chips_of(
    said: Mapping[str, str],
    labels: Mapping[str, str],
    words: Callable[[str, str], str],
    **others: str,
) -> list[tuple[str, str, str]]:
    """Each filter's label, its value in words, and the list without it; `others` are kept.

    `words` says the value of a filter, by its name, for people.
    """
    return [
        (labels[name], words(name, word), link_of({**said, **others, name: ""}))
        for name, word in said.items()
    ]


def period_choices(word: str, period: Period | None) -> list[tuple[str, str]]:
    """Every period for a choice, with the words for it; a day or an hour, if the list is of one.

    `word` is how the address says `period`.
    """
    choices = [
        (name, words if name == "month" else f"Last {words}") for name, words in WORDS.items()
    ]
    if period and period.name not in WORDS:
        choices.append((word, words_for(period)))
    return choices


def words_for(period: Period) -> str:
    """A day, an hour, or from one to another, in words."""
    if period.bucket == "hour":
        start, end = period.start.astimezone(period.zone), period.end.astimezone(period.zone)
        said = f"{start:%-d %b %Y, %H:%M}"
        return said if end - start == HOUR else f"{said} to {end:%-d %b %Y, %H:%M}"
    first, last = period.first, period.last
    return f"{first:%-d %b %Y}" + ("" if first == last else f" to {last:%-d %b %Y}")
