"""An incident is started in a browser, read by everyone, and resolved."""

import re
from xml.etree import ElementTree

import httpx

from tests.console.browser import keep
from tests.console.visits import broken_rules

MODEL = "gpt-image-2"


def titles(client: httpx.Client) -> list[str]:
    """Titles of the feed's items about this journey's incident."""
    feed = ElementTree.fromstring(client.get("/status/rss/").content)  # noqa: S314 - our own
    found = [one.findtext("title", "") for one in feed.iter("item")]
    return [title for title in found if title.startswith("Vivid images")]


def test_an_incident_is_on_the_status_page_and_in_its_feed_until_it_is_over(signed_in, stack):
    page = signed_in.new_page()
    page.goto("/ops/incidents/")
    page.get_by_role("link", name="Start incident").click()
    page.get_by_label("Title").fill("Vivid images come out grey")
    page.get_by_label(MODEL, exact=True).check()
    page.get_by_label("Words for customers").fill("We look into it.")
    page.get_by_label("Next update by").fill("2099-01-01 10:30 UTC")
    page.get_by_text(
        re.compile("Mail [1-9]")
    ).wait_for()  # the owners whose workspaces made images with it
    assert broken_rules(page, "ops-incident-new") == []

    page.get_by_role("button", name="Start incident").click()
    page.get_by_text("Incident started: Vivid images come out grey").wait_for()
    assert broken_rules(page, "ops-incident") == []
    with httpx.Client(base_url=stack.base_url, trust_env=False) as anybody:
        assert "more by 1 January 2099, 10:30" in anybody.get("/status/").text
        assert titles(anybody) == ["Vivid images come out grey: investigating"]
        status = signed_in.new_page()
        status.goto("/status/")
        assert broken_rules(status, "status-incident") == []
        status.close()

        page.get_by_label("State").select_option("resolved")
        page.get_by_label("Words for customers").fill("All is well again.")
        page.get_by_role("button", name="Post update").click()
        page.get_by_text("Update posted: Vivid images come out grey, resolved").wait_for()

        assert titles(anybody) == [
            "Vivid images come out grey: resolved",
            "Vivid images come out grey: investigating",
        ]
        assert "Past" in anybody.get("/status/").text
    page.goto("/ops/incidents/")
    page.get_by_text("Nothing is open.").wait_for()
    keep(page, "ops-incidents")
    assert broken_rules(page, "ops-incidents") == []
