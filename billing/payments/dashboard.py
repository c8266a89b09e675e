"""The provider's own pages, for staff."""

from django.conf import settings

_PLACES = {"pi": "payments", "ch": "payments", "in": "invoices", "evt": "events"}


def dashboard_page(provider_id: str) -> str:
    """Return the address of an object's page; empty for an object without one."""
    place = _PLACES.get(provider_id.partition("_")[0])
    mode = "test/" if "_test_" in settings.STRIPE_SECRET_KEY else ""
    return f"https://dashboard.stripe.com/{mode}{place}/{provider_id}" if place else ""
