"""Places to go to: from the navigation, by their name, or by two keys."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Place:
    """A page, or an object on one; `keys` are pressed one after the other to go there."""

    title: str
    url: str
    keys: str = ""
    holds_more: bool = False
    """True if pages below its address belong to it."""
    note: str = ""
    icon: str = ""
    """Its part of `vendor/navigation.svg`."""
    care: int = 0
    """How much there needs care."""


@dataclass(frozen=True, slots=True)
class KnownPage:
    """A page of a console, by the name of its URL pattern; without `needs` all may open it."""

    title: str
    name: str
    needs: str | None = None
    keys: str = ""
    holds_more: bool = False
    is_on: Callable[[], bool] = lambda: True
    """False where this installation does not have the page."""


Groups = Mapping[str, Sequence[KnownPage]]
"""Pages by the heading of the navigation that they stand under."""


def places_by_heading(
    groups: Groups,
    may: Collection[str],
    address: Callable[[str], str],
    care: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, list[Place]]:
    """The pages that these permissions open; headings without a page are left out.

    `address` returns the address of the page whose URL pattern has a name; `care` has how much
    needs care by such names.
    """
    places = {
        heading: [
            Place(
                page.title,
                address(page.name),
                page.keys,
                page.holds_more,
                icon=page.name,
                care=care.get(page.name, 0),
            )
            for page in pages
            if page.is_on() and (page.needs is None or page.needs in may)
        ]
        for heading, pages in groups.items()
    }
    return {heading: pages for heading, pages in places.items() if pages}
