"""Links, paths and names in the documents exist, and the index of decisions is complete.

A path is a word in backticks with a slash at its end or a known ending; it may begin anywhere in
the tree. A name is a word in backticks that is code: dotted, called, assigned, or with a capital or
an underscore in it. Decisions and the changelog tell of the past, and may name what is gone.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.stack.servers import ROOT

DOCS = ROOT / "docs"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")
PATH = re.compile(r"[\w.-]*\w[\w./-]*(?:/|\.(?:css|html|json|lock|md|py|sql|toml|txt|yaml|yml))")
CODE = re.compile(r"(?:await )?@?[A-Za-z_][\w.]*(?:\(.*\))?(?: ?= ?.*)?")
WORD = re.compile(r"[A-Za-z_]\w*")
IN_A_FILE = re.compile(r"`(\w+)`\s(?:in\s|of\s|\()`([\w/]+\.py)`")
APPS = ("accounts", "billing", "generation", "storage", "webhooks")
PARTS = (*APPS, "deploy", "docs", "platform", "tests")
PRESENT = [path for path in DOCUMENTS if path.parent.name != "adr" and path.name != "CHANGELOG.md"]
GUIDES = ("CONTRIBUTING.md", "docs/ARCHITECTURE.md")
"""Documents for those who read the code."""
ELSEWHERE = {
    "PICTOR_DATA/secrets.json": "of an installation",
    "fox.py": "the reader's own",
    "generation/channels/VENDOR/": "to be made",
    "in/": "a prefix of object keys",
    "log/": "of an installation",
    "proof/": "a prefix of object keys",
    "tmp/": "a prefix of object keys",
}
NO_NAMES = {"_v2": "the end of a name to be given"}


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives a document's headings."""
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text))
    return {heading.replace(" ", "-") for heading in words}


def leads_somewhere(page: Path, link: str) -> bool:
    """True if the link's file exists, with its heading."""
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


@pytest.mark.parametrize(
    ("pages", "most_words"),
    [
        (["ARCHITECTURE.md"], 3_000),
        (["benchmarks.md"], 1_500),
        (["operations.md", "operations/*.md"], 6_000),
    ],
)
def test_documents_stay_short_enough_to_be_read(pages, most_words):
    paths = [path for page in pages for path in DOCS.glob(page)]

    words = sum(len(path.read_text(encoding="utf-8").split()) for path in paths)

    assert 1_000 < words <= most_words


def test_the_index_has_every_decision_by_its_title():
    index = (ROOT / "docs/adr/README.md").read_text(encoding="utf-8")

    headings = {
        path.name: path.read_text(encoding="utf-8").split("\n", 1)[0][2:].split(": ", 1)
        for path in (ROOT / "docs/adr").glob("0*.md")
    }

    assert headings
    assert [
        name
        for name, (number, title) in headings.items()
        if f"| {number} | [{title}]({name}) |" not in index
    ] == []


@cache
def files() -> list[str]:
    """Paths of the project's files."""
    found = [path for part in PARTS for path in (ROOT / part).rglob("*") if path.is_file()]
    found += [path for path in ROOT.iterdir() if path.is_file()]
    return [str(path.relative_to(ROOT)) for path in found]


def paths_there() -> set[str]:
    """Every file and folder by each end of its path; folders end with a slash."""
    found = set()
    for path in files():
        parts = path.split("/")
        for first in range(len(parts)):
            found.add("/".join(parts[first:]))
            found.update("/".join(parts[first:end]) + "/" for end in range(first + 1, len(parts)))
    return found


def words_of(source: str) -> set[str]:
    """All words of a module."""
    return set(WORD.findall(source))


def names_in(snippet: str) -> Iterator[str]:
    """The names in a snippet, without its comments and texts."""
    for node in ast.walk(ast.parse(snippet)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.keyword(arg=str(name)):
                yield name


def quoted_code(text: str) -> Iterator[str]:
    """Words in backticks that are code, without texts in them."""
    for words in QUOTED.findall(FENCED.sub("", text)):
        if CODE.fullmatch(words) and not PATH.fullmatch(words) and re.search(r"[A-Z_.(@=]", words):
            yield re.sub(r'"[^"]*"', "", words)


def test_every_path_is_there():
    there = paths_there()

    missing = {
        (words, page.name)
        for page in PRESENT
        for words in QUOTED.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
        if PATH.fullmatch(words) and words not in there
    }

    assert {one for one in missing if one[0] not in ELSEWHERE} == set()
    assert set(ELSEWHERE) - {words for words, _ in missing} == set()


@pytest.mark.thorough
def test_every_name_is_in_the_code():
    sources = [ROOT / path for path in files() if path.endswith(".py")]
    known = {word for path in sources for word in words_of(path.read_text(encoding="utf-8"))}

    missing = {
        f"{guide}: {name}"
        for guide in GUIDES
        for words in quoted_code((ROOT / guide).read_text(encoding="utf-8"))
        for name in words_of(words)
        if name not in known and name not in NO_NAMES
    }

    assert missing == set()


def file_ending(path: str) -> str:
    """The text of the one file with that end."""
    (found,) = [file for file in files() if f"/{file}".endswith(f"/{path}")]
    return (ROOT / found).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "path"), IN_A_FILE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
)
def test_a_name_is_in_the_file_beside_it(name, path):
    assert name in words_of(file_ending(path))


def snippets() -> Iterator[tuple[str, str]]:
    """Each snippet of Python, after the last Python file that is named before it."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for found in FENCED.finditer(text):
        if found[1] == "python":
            before = QUOTED.findall(FENCED.sub("", text[: found.start()]))
            yield [words for words in before if words.endswith(".py")][-1], found[2]


@pytest.mark.parametrize(("path", "snippet"), list(snippets()))
def test_a_snippet_is_made_of_names_in_the_file_named_before_it(path, snippet):
    assert set(names_in(snippet)) - words_of(file_ending(path)) == set()
