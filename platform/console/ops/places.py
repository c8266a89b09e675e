"""The pages of the operator's console in its navigation."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from django.urls import reverse

from billing.selectors.office.payments import cards_on
from console.parts.places import Groups, KnownPage, Place, places_by_heading

_GROUPS: Groups = {
    "Now": (
        KnownPage("Overview", "overview", keys="g o"),
        KnownPage("Waiting", "moves"),
        KnownPage("Requests", "requests", keys="g r"),
        KnownPage("Incidents", "incidents", keys="g i", holds_more=True),
        KnownPage("System", "system", keys="g s", holds_more=True),
    ),
    "Supply": (
        KnownPage("Channels", "channels", keys="g c", holds_more=True),
        KnownPage("Models", "models", keys="g d", holds_more=True),
        KnownPage("Prices", "prices", keys="g e", holds_more=True),
        KnownPage("Price lists", "price_lists", holds_more=True),
    ),
    "Customers": (
        KnownPage("Tenants", "tenants", keys="g t", holds_more=True),
        KnownPage("Generations", "generations", keys="g g", holds_more=True),
    ),
    "Money": (
        KnownPage("Margin", "margin", keys="g m"),
        KnownPage("Reconciliation", "reconciliation", "money", keys="g b", holds_more=True),
        KnownPage("Ledger", "ledger", keys="g l", holds_more=True),
        KnownPage("Payments", "payments", keys="g y", holds_more=True, is_on=cards_on),
    ),
    "House": (
        KnownPage("Alerts", "alerts", keys="g n", holds_more=True),
        KnownPage("Audit log", "audit", keys="g a"),
        KnownPage("Staff", "staff", "staff", keys="g p"),
    ),
}


def groups_of(
    may: Collection[str], care: Mapping[str, int] = MappingProxyType({})
) -> Mapping[str, Sequence[Place]]:
    """The pages that these permissions open, by heading, with what needs care there."""
    return places_by_heading(_GROUPS, may, lambda name: reverse(f"ops:{name}"), care)
