"""The operator's pages, and the faults of one in a real browser."""

from urllib.parse import urlsplit

from django.urls import resolve, reverse
from playwright.sync_api import BrowserContext

from tests.console.ops.addresses import Address, addresses
from tests.console.pages import Place
from tests.console.visits import broken_promises
from tests.stack.servers import Stack

Found = dict[str | None, str]
"""Paths by page name, for pages that links led to."""
APART = {"styleguide", "channel_picture", "condition", "payments", "payment"}
"""Pages left out: components have their own test; others are a picture and a mail's link, and those
of payments by card are only there with a provider's key, which this stack does not have."""
OF_ACTS = {
    "channel.weigh",
    "generation.look_up",
    "operator_key.create",
    "outage.credit",
    "tenant.credit",
    "tenant.limits",
}
"""Acts have one page; these have the forms of each kind, and journeys do others."""
SEEN_AGAIN = {"overview", "generations", "tenant", "tenant.credit"}
"""A page of each kind: what waits, a list, one thing, and an act."""
PAGES = [
    address
    for address in addresses()
    if address.is_page
    and address.name not in APART
    and ("." not in address.name or address.name in OF_ACTS)
    and not address.path.endswith((".json", ".csv", ".toml"))
]


def name_of(path: str) -> str | None:
    return resolve(urlsplit(path).path).url_name


def wrong_with(
    address: Address, *, session: BrowserContext, found: Found, place: Place, stack: Stack
) -> list[str]:
    """Return the promises that the address's page breaks, in every look."""
    path = found.get(address.name) or _beside(found, address, place)
    assert path, f"no link leads to {address.name}"
    name = f"ops-{address.name}"
    return broken_promises(
        session.pages[0], path, base_url=stack.base_url, name=name,
        is_seen_again=address.name in SEEN_AGAIN,
    )  # fmt: skip


def _beside(found: Found, address: Address, place: Place) -> str | None:
    """Build a page's path from objects on other pages, if no link leads to it now."""
    things: dict[str, object] = {"tenant": place.tenant, "kind": "credit"}
    for path in found.values():
        things |= resolve(urlsplit(path).path).kwargs
    if address.name.startswith("tenant."):
        things["subject"] = place.tenant  # the last act's may be a channel
    if not address.parts or not address.parts.keys() <= things.keys():
        return None
    return reverse(f"ops:{address.name}", kwargs={name: things[name] for name in address.parts})
