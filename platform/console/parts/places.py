"""Where one gets to: by the side, by typing its name, by two keys."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A page, or a thing on one; `keys` are pressed one after the other to get there."""

    title: str
    url: str
    keys: str = ""
    holds_more: bool = False
    """Pages below its address belong to it."""
    note: str = ""
