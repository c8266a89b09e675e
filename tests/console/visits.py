"""A first visit to a page and the next one: what is wrong with it, and what it weighs."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page

from tests.console.browser import axe, faults, in_every_look, keep

FIRST_VISIT = {"Stylesheet": 12_000, "Script": 22_000, "Font": 55_000, "all": 130_000}
"""Bytes over the wire, all but the users' images; charts have no script of their own."""
AGAIN = {"all": 25_000}
USERS_IMAGES = ("/pictor/", "/thumbnail/")


def broken_promises(page: Page, path: str, *, base_url: str, name: str) -> list[str]:
    """What is wrong with the page at that path in every look, opened in that tab.

    It is weighed as well: in the first look as nobody has been there, then as one comes back.
    """
    found: list[str] = []
    for number, look in enumerate(in_every_look(page, base_url)):
        with weighed(page, is_first=number == 0) as bytes_of:
            wrong = faults(page, path)
            keep(page, f"{name}-{look.name}")
            wrong += axe(page)
            page.wait_for_load_state("networkidle")
        wrong += too_heavy(bytes_of, AGAIN if number else FIRST_VISIT)
        found += [f"{look.name}: {line}" for line in wrong]
    return found


@contextmanager
def weighed(page: Page, *, is_first: bool) -> Iterator[Counter[str]]:
    """Bytes over the wire by what they are, while the page loads; nothing is cached at first."""
    bytes_of: Counter[str] = Counter()
    kinds: dict[str, tuple[str, str]] = {}
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": is_first})

    def came(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = event["type"], event["response"]["url"]

    def ended(event: dict[str, Any]) -> None:
        kind, url = kinds.get(event["requestId"], ("Other", ""))
        if not any(part in url for part in USERS_IMAGES):
            bytes_of[kind] += int(event["encodedDataLength"])

    wire.on("Network.responseReceived", came)
    wire.on("Network.loadingFinished", ended)
    yield bytes_of
    wire.detach()


def too_heavy(bytes_of: Counter[str], limits: dict[str, int]) -> list[str]:
    """What of the page is above its limit."""
    assert bytes_of.total() > 0
    weights = {**bytes_of, "all": bytes_of.total()}
    return [
        f"{kind}: {weights[kind]} above {limit}"
        for kind, limit in limits.items()
        if weights.get(kind, 0) > limit
    ]
