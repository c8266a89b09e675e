"""What a page may weigh, move and ask of the database, for every page in the URL map."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from generation.management import seeding
from generation.management.seeding import Wishes
from tests.console.browser import LOOKS, MAX_SHIFT, looking
from tests.console.pages import public_paths
from tests.console.test_workspace_pages import PAGES

FIRST_VISIT = 130_000
"""Bytes over the wire, all but the users' images."""
AGAIN = 25_000
LIMITS = {"Stylesheet": 12_000, "Script": 22_000, "Font": 55_000}
CHART_SCRIPTS = 45_000
CHARTS = {"usage"}
QUERIES = 12
REFERENCE = "/docs/api/"
"""Drawn by Scalar, whose script is a megabyte: the one exception."""
USERS_IMAGES = ("/pictor/", "/thumbnail/")


@contextmanager
def weighed(page: Page) -> Iterator[Counter[str]]:
    """Bytes over the wire by what they are, while the page loads."""
    bytes_of: Counter[str] = Counter()
    kinds: dict[str, tuple[str, str]] = {}
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")

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


def too_heavy(context: BrowserContext, path: str, *, scripts: int = LIMITS["Script"]) -> list[str]:
    """What of the page is above its budget, on a first visit and on the next one."""
    page = context.new_page()
    with weighed(page) as first:
        page.goto(path, wait_until="networkidle")
    shift = page.evaluate("shift")
    with weighed(page) as again:
        page.goto(path, wait_until="networkidle")
    found: list[tuple[str, float, float]] = [
        (kind, first[kind], limit)
        for kind, limit in {**LIMITS, "Script": scripts}.items()
        if first[kind] > limit
    ]
    for visit, bytes_of, limit in (("first visit", first, FIRST_VISIT), ("again", again, AGAIN)):
        if bytes_of.total() > limit:
            found.append((visit, bytes_of.total(), limit))
    assert first.total() > 0
    if shift > MAX_SHIFT:
        found.append(("shift", shift, MAX_SHIFT))
    return [f"{what}: {value} above {limit}" for what, value, limit in found]


@pytest.mark.parametrize("path", [path for path in public_paths() if path != REFERENCE])
def test_a_public_page_weighs_little(browser, stack, path):
    with looking(browser, stack.base_url, LOOKS[0]) as context:
        assert too_heavy(context, path) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_workspace_weighs_little(browser, stack, place, name):
    scripts = CHART_SCRIPTS if name in CHARTS else LIMITS["Script"]
    with looking(browser, stack.base_url, LOOKS[0]) as context:
        context.add_cookies(place.cookies)

        assert too_heavy(context, place.path(name), scripts=scripts) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("plain_static_files")
@pytest.mark.parametrize("path", public_paths())
def test_a_public_page_asks_the_database_little(
    client, settings, path, django_assert_max_num_queries
):
    settings.MAILBOX = True
    seeding.seed(Wishes())
    client.get(path)  # what a process reads once

    with django_assert_max_num_queries(QUERIES):
        assert client.get(path).status_code == 200
