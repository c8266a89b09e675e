"""A page's query, which knows what of it nobody understood.

A word is understood once a page has read it and has not refused it, so no page declares its words.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Self, TypeVar

from django.http import HttpRequest, QueryDict
from typing_extensions import override

Meant = TypeVar("Meant")
NO_FILTERS = frozenset({"mode", "after", "format"})
"""Words about which kind of rows, from which on, and in which form: they filter nothing."""
CAMPAIGN = "utm_"
"""The beginning of words that are added to links for counting visits."""
MAX_SHOWN = 60


class NotedQuery(QueryDict):
    """A query that notes which of its words were read, all of them or the last, or refused."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.read: set[str] = set()
        self.listed: set[str] = set()
        self.refused: dict[str, str] = {}
        super().__init__(*args, **kwargs)
        self.read.clear()

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """The query of a page, which more than one guard may ask for."""
        query: object = request.GET
        if isinstance(query, cls):
            return query
        return cls(request.META.get("QUERY_STRING", ""), encoding=request.encoding)

    @override
    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    @override
    def __contains__(self, name: object) -> bool:
        self.read.add(str(name))
        return super().__contains__(name)

    @override
    def getlist(self, name: str, default: Any = None) -> list[str]:
        self.read.add(name)
        self.listed.add(name)
        return super().getlist(name, default)

    @override
    def copy(self) -> "NotedQuery":
        """A copy that can be changed, whose reading counts as this one's."""
        copied = NotedQuery("", mutable=True, encoding=self.encoding)
        for name, words in super().lists():
            copied.setlist(name, words)
        copied.read, copied.listed, copied.refused = self.read, self.listed, self.refused
        return copied

    @property
    def troubles(self) -> list[str]:
        """What was not understood, in sentences."""
        return [*self.refused.values(), *self._unread()]

    def _unread(self) -> Iterator[str]:
        for name, words in super().lists():
            is_filter = name not in NO_FILTERS and not name.startswith(CAMPAIGN)
            if is_filter and name not in self.read and any(words):
                yield f"“{name[:MAX_SHOWN]}” is no filter of this page."
            elif is_filter and name not in self.listed and len({*words}) > 1:
                yield f"“{name}” stands here twice: only “{words[-1][:MAX_SHOWN]}” counts."


def troubles_of(query: Mapping[str, str]) -> list[str]:
    """What of a page's query was not understood so far; of any other query nothing is known."""
    return query.troubles if isinstance(query, NotedQuery) else []


def pass_on(query: Mapping[str, str]) -> None:
    """Note that these words are kept in a link, for the page that reads them."""
    if isinstance(query, NotedQuery):
        query.read.update(query)


def refuse(query: Mapping[str, str], name: str, why: str = "") -> None:
    """Note that a word of the query means nothing to the page, for a reason in a sentence."""
    if isinstance(query, NotedQuery):
        word = query.get(name, "")[:MAX_SHOWN]
        query.refused[name] = why or f"“{word}” means nothing as “{name}”."


def word_of(query: Mapping[str, str], name: str, words: Collection[str], usual: str = "") -> str:
    """Return the word if it is one of these, else the usual one."""
    word = query.get(name, "")
    if word in words:
        return word
    if word:
        refuse(query, name)
    return usual


def meant_by(
    query: Mapping[str, str], name: str, read: Callable[[str], Meant | None]
) -> Meant | None:
    """Return what `read` makes of the word; None if there is none, or if it means nothing."""
    word = query.get(name, "").replace("\0", "").strip()
    found = read(word) if word else None
    if word and found is None:
        refuse(query, name)
    return found
