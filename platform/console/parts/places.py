"""A place to go to: from the navigation, by its name, or by two keys."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A page, or an object on one; `keys` are pressed one after the other to go there."""

    title: str
    url: str
    keys: str = ""
    holds_more: bool = False
    """True if pages below its address belong to it."""
    note: str = ""
