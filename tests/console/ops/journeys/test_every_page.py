"""Every page of the operator's console in a real browser, in every look."""

import json
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from django.urls import resolve, reverse

from tests.console.ops.addresses import Address, addresses
from tests.console.ops.links import pages_found
from tests.console.pages import Place
from tests.console.visits import broken_promises
from tests.customer import Operator
from tests.servers import Stack

APART = {"styleguide", "channel_picture", "condition"}
"""The page of components has a test of its own; a picture is none, nor is a mail's link."""
PAGES = [
    one
    for one in addresses()
    if one.is_page and one.name not in APART and not one.path.endswith((".json", ".csv"))
]


@pytest.fixture(scope="module")
def found(
    stack: Stack, operator: Operator, place: Place, tmp_path_factory: pytest.TempPathFactory
) -> dict[str | None, str]:
    """By the name of each page, where links led to one; an incident that is over is among them.

    And a vendor's bill, with a line that we know nothing of, a shared price list and an alert rule.
    """
    bill = tmp_path_factory.mktemp("bills") / "bill.csv"
    bill.write_text(f"id,time,model,cost\n{uuid4()},2026-11-20T12:00:00Z,gpt-image-2,0.05\n")
    operator("reconcile", str(bill), "--channel", "sandbox", "--accept")
    operator("price", "list-create", "Partners")
    operator("alert", "set", "Every page", "--mails", "ann@example.com")
    words = ("Slow images", "--parts", "API", "--words", "We look into it.")
    begun = json.loads(operator("incident", "start", *words, "--json"))
    operator("incident", "resolve", str(begun["id"]), "--words", "All is well.")
    cookies = {str(one["name"]): str(one["value"]) for one in place.cookies}
    with httpx.Client(base_url=stack.base_url, cookies=cookies, trust_env=False) as client:
        return {_name_of(path): path for path in pages_found(client).values()}


def _name_of(path: str) -> str | None:
    return resolve(urlsplit(path).path).url_name


def beside(found: dict[str | None, str], address: Address, place: Place) -> str | None:
    """A page about things that other pages are about, where no link leads to it just now."""
    things: dict[str, object] = {"tenant": place.tenant, "kind": "credit"}
    for path in found.values():
        things |= resolve(urlsplit(path).path).kwargs
    if not address.parts or not address.parts.keys() <= things.keys():
        return None
    return reverse(f"ops:{address.name}", kwargs={name: things[name] for name in address.parts})


@pytest.mark.parametrize("address", PAGES, ids=lambda one: one.name)
def test_a_page_keeps_what_the_console_promises(signed_in, found, place, stack, address):
    path = found.get(address.name) or beside(found, address, place)
    assert path, f"no link leads to {address.name}"

    wrong = broken_promises(
        signed_in.pages[0],
        path,
        base_url=stack.base_url,
        name=f"ops-{address.name}",
    )

    assert wrong == []
