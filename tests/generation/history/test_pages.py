"""The demo's past on the operator's pages: all of it under Demo, none under Live."""

import re

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Tenant, User
from generation.models import Channel, Generation
from tests.console.answers import said_by
from tests.console.ops.addresses import addresses


@pytest.fixture
def owner(demo: object, plain_static_files: None, settings: Settings) -> Client:
    """An owner's session in the first minute of an installation."""
    settings.STAFF_MFA = False
    client = Client()
    client.force_login(User.objects.create_superuser("op@pictor.example", "correct horse"))
    return client


@pytest.mark.parametrize("mode", ["live", "test", "demo"])
def test_every_page_opens_in_every_mode(owner, mode):
    paths = [
        address.path
        for address in addresses()
        if address.is_page and not address.parts and address.name != "payments"  # needs a key
    ]

    answers = {path: owner.get(f"{path}?mode={mode}").status_code for path in paths}

    assert {path: code for path, code in answers.items() if code != 200} == {}


def test_channels_work_and_earn_only_under_demo(owner):
    demo, live = (said_by(owner.get(f"/ops/channels/?mode={mode}")) for mode in ("demo", "live"))

    assert "No calls" not in demo
    assert "nothing sold" not in demo
    assert "cost unknown" not in demo
    assert "No calls" in live
    assert "nothing sold" in live


def test_tenants_and_generations_are_listed_only_under_demo(owner):
    tenants = said_by(owner.get("/ops/tenants/?mode=demo"))
    demo, live = (said_by(owner.get(f"/ops/generations/?mode={mode}")) for mode in ("demo", "live"))

    assert "demo ten_" in tenants
    assert "gen_0" in demo
    assert "gen_0" not in live


EMPTY = {
    "/ops/": "Nothing needs attention",
    "/ops/alerts/": "Nobody is notified yet",
    "/ops/alerts/sent/": "No alerts yet",
    "/ops/incidents/": "No incidents yet",
    "/ops/margin/uncharged/": "No uncharged costs",
    "/ops/moves/": "Nothing waits",
    "/ops/prices/lists/": "No price list yet",
    "/ops/reconciliation/": "Demo data has no bills",
    "/ops/styleguide/": "No keys yet",
    "/ops/system/": "No image worker",
    "/ops/system/workers/": "No image worker yet",
}
"""Texts of pages that are empty all the same: no worker runs, nothing happened, or an example."""
_EMPTY = re.compile(r'max-w-\[480px\] px-4 py-12 text-center">\s*<h2[^>]*>([^<]*)')
"""The heading inside `c-empty` in a page's HTML."""


def test_no_page_is_empty_under_demo(owner):
    paths = [address.path for address in addresses() if address.is_page and not address.parts]
    channel, tenant = Channel.objects.get(), Tenant.objects.get()
    tabs = ("now", "routes", "errors", "cost", "history")
    paths += [f"/ops/channels/{channel.pk}/?tab={tab}" for tab in tabs]
    paths += [f"/ops/tenants/{tenant.public_id}/"]
    paths += [f"/ops/generations/{Generation.objects.latest('id').public_id}/"]

    empty = {}
    for path in paths:
        page = owner.get(f"{path}{'&' if '?' in path else '?'}mode=demo")
        if found := _EMPTY.findall(page.content.decode()):
            empty[path] = found[0]

    assert empty == EMPTY


def test_refused_requests_are_listed_only_under_demo(owner):
    demo, live = (said_by(owner.get(f"/ops/requests/?mode={mode}")) for mode in ("demo", "live"))

    assert ("invalid_size" in demo, "requests of this key" in demo) == (True, True)
    assert "Nothing was refused" in live


def test_events_of_the_channel_say_that_they_are_demo_data(owner):
    page = said_by(owner.get(f"/ops/channels/{Channel.objects.get().pk}/?tab=history"))

    assert "Breaker opened · gpt-image-2, for 30 s by demo data" in page
    assert "Vendor asked to wait · for 20 s by demo data" in page
