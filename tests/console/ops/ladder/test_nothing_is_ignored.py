"""No page of either console ignores a word of its query in silence."""

import re
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client

from console.parts.page_query import CAMPAIGN, NO_FILTERS, NotedQuery
from tests.console.ops.ladder.world import World
from tests.console.workspace.conftest import signed_in

_LINK = re.compile(r'<a [^>]*href="([^"#]*)')
_OF_ONE = re.compile(r"[^/]*\d[^/]*(?=/)")
_FILTER = re.compile("[a-z_]+")
SNOW = "\N{SNOWMAN}"


@pytest.fixture
def walked(world: World, owner: Client) -> list[tuple[Client, str]]:
    """A page of each kind of both consoles, with the session that opens it."""
    tenant = signed_in(world.acme, "owner", "walker@acme.example")
    home = f"/console/{world.acme.tenant.public_id}/"
    return [
        *((owner, path) for path in pages_from(owner, "/ops/")),
        *((tenant, path) for path in pages_from(tenant, home)),
    ]


def pages_from(client: Client, start: str) -> list[str]:
    kinds: dict[str, str] = {}
    ahead = [start]
    for path in ahead:
        kind = _OF_ONE.sub("one", path.removeprefix(start))
        if kind in kinds or not is_page(answer := client.get(path)):
            continue
        kinds[kind] = path
        links = (urlsplit(urljoin(path, unescape(link))) for link in _LINK.findall(answer.text))
        ahead += [link.path for link in links if link.path.startswith(start)]
    return [*kinds.values()]


def is_page(answer: Any) -> bool:
    is_text: bool = answer.get("Content-Type", "").startswith("text/html")
    return is_text and bool(answer.status_code == 200)


def test_no_word_is_ignored_in_silence(walked):
    """A page says which words it does not know, and which values of those it knows."""
    silent = [
        f"{path}?{name}={SNOW}"
        for client, path in walked
        for name in ["wat", *words_of(client, path)]
        if is_page(answer := client.get(path, {name: SNOW}))
        and (name if name == "wat" else SNOW) not in answer.text
    ]

    assert len(walked) > 60
    assert silent == []


def test_a_word_that_stands_twice_is_named(owner, world):
    page = owner.get("/ops/generations/?model=gpt-image-2&model=dall-e-2")

    assert "“model” stands here twice: only “dall-e-2” counts." in page.text


def words_of(client: Client, path: str) -> list[str]:
    asked = client.get(path, {"utm_source": "mail"}).wsgi_request.GET
    assert isinstance(asked, NotedQuery)
    assert not asked.troubles
    known = {name for name in asked.read if _FILTER.fullmatch(name)} - NO_FILTERS
    return sorted(name for name in known if not name.startswith(CAMPAIGN))


def test_no_file_is_made_of_what_was_not_understood(walked):
    made = {}
    for client, path in walked:
        if client.get(path, {"format": "csv"}).get("Content-Type", "").startswith("text/csv"):
            answer = client.get(path, {"format": "csv", "wat": "1"})
            made[path] = (answer.status_code, "“wat” is no filter of this page." in answer.text)

    assert len(made) > 20
    assert set(made.values()) == {(400, True)}
