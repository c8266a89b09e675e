"""Every address of the operator's console, from the URL map: a new one cannot be forgotten."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse

EXAMPLES = {"IntConverter": 1, "UUIDConverter": UUID(int=1)}
"""By the kind of a part of an address; of all other kinds it is a word."""


@dataclass(frozen=True, slots=True)
class Address:
    """A view of the console with an address that leads to it; nothing need be there."""

    name: str
    view: Callable[..., Any]
    parts: dict[str, Any]

    @property
    def path(self) -> str:
        """Such as /ops/ledger/1/."""
        return reverse(f"ops:{self.name}", kwargs=self.parts)

    @property
    def is_page(self) -> bool:
        """Whether one can look at it; what only changes something answers 405 behind its door."""
        behind = self.view.__wrapped__.__wrapped__  # type: ignore[attr-defined]  # what staff dresses
        refusal = behind(RequestFactory().generic("BREW", self.path))
        return "GET" in refusal["Allow"]

    @property
    def needs(self) -> str | None:
        """What a role has to allow; None where anybody gets in."""
        return getattr(self.view, "needs", None)


def addresses() -> list[Address]:
    """All of them."""
    return list(_found(get_resolver("console.ops.urls").url_patterns))


def _found(patterns: list[URLPattern | URLResolver]) -> Iterator[Address]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _found(pattern.url_patterns)
            continue
        parts = {
            name: EXAMPLES.get(type(kind).__name__, "x")
            for name, kind in pattern.pattern.converters.items()
        }
        assert pattern.name
        yield Address(pattern.name, pattern.callback, parts)
