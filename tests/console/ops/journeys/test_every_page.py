"""Every page of the operator's console in a real browser, in every look."""

import pytest

from tests.console.ops.addresses import addresses
from tests.console.ops.links import beside, pages_by_name
from tests.console.pages import Place
from tests.console.visits import broken_promises
from tests.servers import Stack

PAGES = [
    one
    for one in addresses()
    if one.is_page and one.name != "styleguide" and not one.path.endswith((".json", ".csv"))
]
"""The page of components has a test of its own, and no link that leads there."""

STATUS = {"channel_weigh": 422}
"""Of pages that ask for what their address does not say yet."""


@pytest.fixture(scope="module")
def found(stack: Stack, place: Place) -> dict[str, str]:
    return pages_by_name(stack, place.cookies)


@pytest.mark.parametrize("address", PAGES, ids=lambda one: one.name)
def test_a_page_keeps_what_the_console_promises(signed_in, found, stack, address):
    path = found.get(address.name) or beside(found, address.name, address.parts)
    assert path, f"no link leads to {address.name}"

    wrong = broken_promises(
        signed_in.pages[0],
        path,
        base_url=stack.base_url,
        name=f"ops-{address.name}",
        status=STATUS.get(address.name, 200),
    )

    assert wrong == []
