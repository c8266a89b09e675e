"""Links of the documents lead to existing pages, and the index of decisions is complete."""

import re
from pathlib import Path

import pytest

from tests.servers import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives a document's headings."""
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text))
    return {heading.replace(" ", "-") for heading in words}


def leads_somewhere(page: Path, link: str) -> bool:
    """Return whether the link's file exists, with its heading."""
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    if not target.exists():
        return False
    return not anchor or anchor in anchors(target.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_every_link_leads_to_a_file_and_a_heading(name):
    page = ROOT / name

    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]

    assert [link for link in links if not leads_somewhere(page, link)] == []


def test_the_index_has_every_decision_by_its_title():
    index = (ROOT / "docs/adr/README.md").read_text(encoding="utf-8")

    for path in sorted((ROOT / "docs/adr").glob("0*.md")):
        number, title = path.read_text(encoding="utf-8").split("\n", 1)[0][2:].split(": ", 1)
        assert f"| {number} | [{title}]({path.name}) |" in index
