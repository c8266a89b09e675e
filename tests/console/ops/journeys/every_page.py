"""The pages of the operator's console, and what is wrong with one in a real browser.

A file's tests run in one process, one after the other: these would take two minutes, so they are in
two files.
"""

from urllib.parse import urlsplit

from django.urls import resolve, reverse
from playwright.sync_api import BrowserContext

from tests.console.ops.addresses import Address, addresses
from tests.console.pages import Place
from tests.console.visits import broken_promises
from tests.servers import Stack

Found = dict[str | None, str]
"""By the name of each page, where links led to one."""
APART = {"styleguide", "channel_picture", "condition"}
"""The page of components has a test of its own; a picture is none, nor is a mail's link."""
PAGES = [
    one
    for one in addresses()
    if one.is_page and one.name not in APART and not one.path.endswith((".json", ".csv"))
]


def name_of(path: str) -> str | None:
    return resolve(urlsplit(path).path).url_name


def wrong_with(
    address: Address, *, session: BrowserContext, found: Found, place: Place, stack: Stack
) -> list[str]:
    """What of the console's promises its page does not keep, in every look."""
    path = found.get(address.name) or _beside(found, address, place)
    assert path, f"no link leads to {address.name}"
    name = f"ops-{address.name}"
    return broken_promises(session.pages[0], path, base_url=stack.base_url, name=name)


def _beside(found: Found, address: Address, place: Place) -> str | None:
    """A page about things that other pages are about, where no link leads to it just now."""
    things: dict[str, object] = {"tenant": place.tenant, "kind": "credit"}
    for path in found.values():
        things |= resolve(urlsplit(path).path).kwargs
    if not address.parts or not address.parts.keys() <= things.keys():
        return None
    return reverse(f"ops:{address.name}", kwargs={name: things[name] for name in address.parts})
