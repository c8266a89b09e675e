"""The pages of the operator's console, as its navigation has them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Place:
    """A page."""

    title: str
    url: str
    holds_more: bool = False
    """Pages below its address belong to it."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A page, by the name of its address, for roles that may do this."""

    title: str
    name: str
    needs: str = "see"
    holds_more: bool = False


_GROUPS: Mapping[str, Sequence[_Known]] = {
    "Now": (_Known("Overview", "overview"),),
    "Supply": (_Known("Channels", "channels", holds_more=True),),
    "Customers": (),
    "Money": (_Known("Ledger", "ledger", holds_more=True),),
    "House": (_Known("Staff", "staff", "staff"),),
}


def groups_of(may: Collection[str]) -> Mapping[str, Sequence[Place]]:
    """The pages that somebody may open who may do this; no heading without a page."""
    found = {
        title: [
            Place(one.title, reverse(f"ops:{one.name}"), one.holds_more)
            for one in pages
            if one.needs in may
        ]
        for title, pages in _GROUPS.items()
    }
    return {title: pages for title, pages in found.items() if pages}
