"""Every address of the operator's console, from the URL map, so that no new one is forgotten."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse

EXAMPLES = {"IntConverter": 1, "UUIDConverter": UUID(int=1)}
"""Example values by converter; other converters get a word."""


@dataclass(frozen=True, slots=True)
class Address:
    """A view of the console with an address that leads to it; the object need not exist."""

    name: str
    view: Callable[..., Any]
    parts: dict[str, Any]

    @property
    def path(self) -> str:
        """The path, such as /ops/ledger/1/."""
        return reverse(f"ops:{self.name}", kwargs=self.parts)

    @property
    def is_page(self) -> bool:
        """True if the view takes GET; views that only change something answer 405."""
        return "GET" in self._allowed

    @property
    def acts(self) -> bool:
        """True if the view takes a form."""
        return "POST" in self._allowed

    @property
    def _allowed(self) -> str:
        behind = self.view.__wrapped__.__wrapped__  # type: ignore[attr-defined]  # what staff dresses
        return str(behind(RequestFactory().generic("BREW", self.path))["Allow"])

    @property
    def needs(self) -> str | None:
        """The permission that a role needs; None if any member of staff may enter."""
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
