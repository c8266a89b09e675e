"""A first and a second visit to a page: its faults and its weight."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page

from tests.console.browser import (
    IS_TOO_WIDE,
    SHOWN,
    WEAR,
    Look,
    axe_of_look,
    faults,
    in_every_look,
    keep,
    resize,
)

FIRST_VISIT = {"Stylesheet": 11_950, "Script": 21_750, "Font": 55_000, "all": 130_000}
"""Bytes over the wire, without users' images; charts have no library."""
AGAIN = {"all": 24_950}
PADDED, PADDING = {"Document", "Stylesheet", "Script"}, 100
"""Types that are compressed here as they are asked for, and the most random bytes that each then
has (web/compression.py): a page's five scripts differed by 236 between 25 visits."""
MAX_SECONDS = 10
USERS_IMAGES = ("/pictor/", "/thumbnail/")


def broken_promises(
    page: Page,
    path: str,
    *,
    base_url: str,
    name: str,
    status: int = 200,
    is_seen_again: bool = False,
) -> list[str]:
    """Return the promises broken by the page at that path, opened in that tab.

    It is loaded and weighed with an empty cache, then resized; if it `is_seen_again`, it is loaded
    in every other look as well, with a warm cache. Accessibility is checked where the page stands
    first: other looks have other widths and colours.
    """
    looks = in_every_look(page, base_url)
    found = _visited(page, path, next(looks), status, FIRST_VISIT)
    found += _broken_in_every_look(page, name)
    for look in looks if is_seen_again else ():
        found += _visited(page, path, look, status, AGAIN)
    return found


def _visited(page: Page, path: str, look: Look, status: int, limits: dict[str, int]) -> list[str]:
    """Return the faults of the page as it is loaded in a look, and what is too heavy."""
    with weighed(page, is_first=limits is FIRST_VISIT) as bytes_of:
        wrong = faults(page, path, status=status)
    return [f"{look.name}: {line}" for line in (*wrong, *too_heavy(bytes_of, limits))]


def broken_rules(page: Page, name: str = "", *, apart_from: tuple[str, ...] = ()) -> list[str]:
    """Return the faults of an open page in every look; the page ends in the first look.

    `name` is for its pictures; `apart_from` is for `axe`.
    """
    page.wait_for_load_state()  # after a click on a link the former page may still be closing
    found = _broken_in_every_look(page, name, apart_from)
    resize(page, SHOWN[0].viewport)
    page.evaluate(WEAR, SHOWN[0].theme)
    return found


def _broken_in_every_look(
    page: Page, name: str = "", apart_from: tuple[str, ...] = ()
) -> list[str]:
    """Leave the page in the last look: each change of looks is a fiftieth of all the work."""
    found: list[str] = []
    for number, look in enumerate(SHOWN):
        resize(page, look.viewport)
        page.evaluate(WEAR, look.theme)
        if name:
            keep(page, f"{name}-{look.name}")
        wrong = [] if number else axe_of_look(page, *apart_from)
        wrong += ["scrolls sideways"] * page.evaluate(IS_TOO_WIDE)
        found += [f"{look.name}: {line}" for line in wrong]
    return found


@contextmanager
def weighed(page: Page, *, is_first: bool) -> Iterator[Counter[str]]:
    """Count bytes over the wire by type until all have come; the first visit has no cache."""
    bytes_of: Counter[str] = Counter()
    kinds: dict[str, tuple[str, str]] = {}
    on_their_way: dict[str, str] = {}
    pages: list[str] = []
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": is_first})

    def sent(event: dict[str, Any]) -> None:
        if event["requestId"] == event["loaderId"]:
            pages.append(event["loaderId"])
        on_their_way[event["requestId"]] = event["loaderId"]

    def failed(event: dict[str, Any]) -> None:
        on_their_way.pop(event["requestId"], None)

    def came(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = event["type"], event["response"]["url"]

    def ended(event: dict[str, Any]) -> None:
        on_their_way.pop(event["requestId"], None)
        # Without a kind it is an image of the former page, which ends only now.
        kind, url = kinds.get(event["requestId"], ("", ""))
        if kind and not any(part in url for part in USERS_IMAGES):
            padding = PADDING if kind in PADDED else 0
            bytes_of[kind] += max(0, int(event["encodedDataLength"]) - padding)

    wire.on("Network.responseReceived", came)
    wire.on("Network.loadingFinished", ended)
    wire.on("Network.requestWillBeSent", sent)
    wire.on("Network.loadingFailed", failed)
    yield bytes_of
    ends_at = time.monotonic() + MAX_SECONDS
    # Chromium tells no end of requests that a former page had begun.
    while pages[-1] in on_their_way.values() and time.monotonic() < ends_at:
        page.wait_for_timeout(10)  # process waiting events
    assert pages[-1] not in on_their_way.values()
    wire.detach()


def too_heavy(bytes_of: Counter[str], limits: dict[str, int]) -> list[str]:
    """Return the types above their limits."""
    assert bytes_of.total() > 0
    weights = {**bytes_of, "all": bytes_of.total()}
    return [
        f"{kind}: {weights[kind]} above {limit}"
        for kind, limit in limits.items()
        if weights.get(kind, 0) > limit
    ]
