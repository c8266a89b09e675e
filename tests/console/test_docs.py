"""The guides name things that exist, and every error a caller can meet has its entry."""

import ast
import re
from collections.abc import Iterator

import pytest
from django.urls import Resolver404, resolve
from django.utils.html import strip_tags

from console.site.guides import SLUGS, guide, read, sought, titled
from generation.catalogue.life import GUIDE
from tests.stack.servers import ROOT

pytestmark = pytest.mark.usefixtures("plain_static_files")

NOT_FOR_CALLERS = {"invalid_token"}
"""Met only by collectors of metrics."""
ENTRIES = set(
    re.findall(
        r"^### (\w+)$",
        (ROOT / "platform/console/site/guides/errors.md").read_text("utf-8"),
        re.MULTILINE,
    )
)


def codes() -> Iterator[str]:
    """Every code that our own errors carry: `code="…"` of a call and `default_code = "…"`."""
    for room in ("accounts", "billing", "generation", "storage", "webhooks", "platform/pictor"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                match node:
                    case ast.keyword(arg="code", value=ast.Constant(value=str(code))):
                        yield code
                    case ast.Assign(
                        targets=[ast.Name(id="default_code")], value=ast.Constant(value=str(code))
                    ):
                        yield code


def test_every_code_has_its_entry():
    assert set(codes()) - ENTRIES == NOT_FOR_CALLERS


def test_an_entry_is_an_address():
    assert '<h3 id="insufficient_quota">' in guide("errors").html


@pytest.mark.parametrize("slug", SLUGS)
def test_a_guides_links_lead_somewhere(slug):
    for link in re.findall(r'href="(/[^"]*)"', guide(slug).html):
        leads_somewhere(link)


def test_the_guide_that_headers_name_is_there():
    leads_somewhere(GUIDE)


def leads_somewhere(link: str) -> None:
    """Raise Resolver404 if the page is missing; fail if it has no such heading."""
    path, _, anchor = link.partition("#")
    found = resolve(path)
    assert not anchor or f'id="{anchor}"' in guide(found.kwargs["slug"]).html


def test_a_link_that_leads_nowhere_is_seen():
    with pytest.raises(Resolver404):
        resolve("/docs/none/")


def test_a_guides_examples_call_the_address_it_was_read_at(client):
    answer = client.get("/docs/quickstart/", headers={"Host": "testserver"})

    page = answer.content.decode()
    assert "curl http://testserver/v1/images/generations" in page
    assert "{{origin}}" not in page


def test_the_icon_that_browsers_ask_for_is_there(client):
    answer = client.get("/favicon.ico")

    assert (answer.status_code, answer["Location"]) == (301, "/static/console/mark.svg")


def test_a_word_finds_sections_those_named_so_first():
    found = sought("quota")

    assert ("When you are charged: Budgets", "/docs/billing/#budgets") in found
    assert sought("insufficient_quota")[0] == (
        "Errors: insufficient_quota",
        "/docs/errors/#insufficient_quota",
    )
    assert sought("") == []


def test_the_palette_finds_a_guide_by_its_title():
    assert titled("idempotency")[0] == (
        "Retries and idempotency",
        "/docs/retries/#retries-and-idempotency",
    )
    assert titled("potency") == []


def test_code_of_a_guide_can_be_copied_and_its_languages_are_tabs(client):
    page = client.get("/docs/quickstart/").content.decode()

    assert page.count("<p-copy") == 5
    assert page.count('role="tab"') == 3


def test_the_public_changelog_is_for_tenants(tmp_path):
    (tmp_path / "changelog.md").write_text(
        "# Changelog\n\nFor all.\n\n## [2.0.0]\n\nBefore you upgrade:\n\n- Stop.\n\n### Added\n\n"
        "For tenants:\n\n- Foxes\n  and hares.\n- Customers pay by card.\n\nFor operators:\n\n"
        "- Margins.\n\n### Fixed\n\nFor those who run it:\n\n- Starts.\n\n"
        "## [1.0.0]\n\nThe first.\n"
    )

    page = read(tmp_path / "changelog.md")

    words = strip_tags(page.html).split()
    assert " ".join(words) == (
        "Changelog What is new for programs that call the API, and in the console."
        " [2.0.0] Added Foxes and hares. [1.0.0]"
    )
