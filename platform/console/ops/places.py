"""The pages of the operator's console in its navigation."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse

from console.parts.places import Place


@dataclass(frozen=True, slots=True)
class _Known:
    """A page, by the name of its URL pattern, for roles with the permission `needs`."""

    title: str
    name: str
    needs: str = "see"
    holds_more: bool = False


_GROUPS: Mapping[str, Sequence[_Known]] = {
    "Now": (
        _Known("Overview", "overview"),
        _Known("Waiting", "moves"),
        _Known("Requests", "requests"),
        _Known("Incidents", "incidents", holds_more=True),
        _Known("System", "system", holds_more=True),
    ),
    "Supply": (
        _Known("Channels", "channels", holds_more=True),
        _Known("Models", "models", holds_more=True),
        _Known("Prices", "prices", holds_more=True),
        _Known("Price lists", "price_lists", holds_more=True),
    ),
    "Customers": (
        _Known("Tenants", "tenants", holds_more=True),
        _Known("Generations", "generations", holds_more=True),
    ),
    "Money": (
        _Known("Margin", "margin"),
        _Known("Reconciliation", "reconciliation", "money", holds_more=True),
        _Known("Ledger", "ledger", holds_more=True),
    ),
    "House": (
        _Known("Alerts", "alerts", holds_more=True),
        _Known("Audit log", "audit"),
        _Known("Staff", "staff", "staff"),
    ),
}

_KEYS: Mapping[str, str] = {
    "overview": "g o",
    "requests": "g r",
    "incidents": "g i",
    "system": "g s",
    "channels": "g c",
    "models": "g d",
    "prices": "g e",
    "tenants": "g t",
    "generations": "g g",
    "reconciliation": "g b",
    "margin": "g m",
    "ledger": "g l",
    "alerts": "g n",
    "audit": "g a",
    "staff": "g p",
}


def groups_of(may: Collection[str]) -> Mapping[str, Sequence[Place]]:
    """The pages that these permissions open, by heading; headings without a page are left out."""
    groups = {
        title: [
            Place(
                page.title, reverse(f"ops:{page.name}"), _KEYS.get(page.name, ""), page.holds_more
            )
            for page in pages
            if page.needs in may
        ]
        for title, pages in _GROUPS.items()
    }
    return {title: pages for title, pages in groups.items() if pages}
