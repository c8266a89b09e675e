"""The guides under /docs/: Markdown beside this file, rendered once per process.

`{{origin}}` in a guide stands for the site's own address, so that copied commands work, and
`{{models}}` for a table of the models on offer. Headings
have addresses: `/docs/errors/#insufficient_quota`. Raises OSError for a guide that does not exist.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count, groupby
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import strip_tags
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin

FOLDER = Path(__file__).resolve().parent / "guides"
ORIGIN = "{{origin}}"
MODELS = "<p>{{models}}</p>"
SLUGS = [
    *("quickstart", "testing", "models", "edits", "billing", "retries", "streaming", "webhooks"),
    "origin",
    *("errors", "status"),
]
"""The guides' parts of the address, in reading order."""
OF_ENTRIES = {"errors", "api"}
"""Texts whose contents are their entries, not their sections."""

LANGUAGES: Mapping[str, str] = {
    "sh": "Shell", "bash": "Shell", "python": "Python", "js": "Node", "json": "JSON",
}  # fmt: skip
"""The names of code's languages by their words in the texts."""

_TITLE = re.compile(r'<h1 id="[^"]*">((?:[^<]|<(?!/?h1))*)</h1>\s*<p>((?:[^<]|<(?!/?p>))*)</p>')
_SECTION = re.compile(r'<h2 id="([^"]+)">((?:[^<]|<(?!/?h2))*)</h2>')
_ENTRY = re.compile(r'<h3 id="([^"]+)">((?:[^<]|<(?!/?h3))*)</h3>')
_IN_TREE = re.compile(r'<a href="docs/[^"]*">([^<]*)</a>')
"""A link of the changelog to a document that only the source tree has."""
_CHANGELOG = "# Changelog\n\nWhat is new for programs that call the API, and in the console.\n\n"
_OF_TENANTS = re.compile(r"^##.*\n|(?<=^For tenants:\n)(?:(?:- |  ).*\n|\n)+", re.MULTILINE)
"""A heading, or the items below "For tenants:"."""
_EMPTY = re.compile(r"^### .*\n\s*(?=##|\Z)", re.MULTILINE)
_ITEM = re.compile(r"^- .*\n(?:  .*\n)*", re.MULTILINE)
_OF_CARDS = re.compile(r"stripe|by card|card money|top_up_failed|pay.?back", re.IGNORECASE)
"""An item of the changelog that says nothing to a site without payments by card."""
_WORDS = re.compile(r"\w+")
_HEADING = re.compile(r'<h[123] id="([^"]+)">')


@dataclass(frozen=True, slots=True)
class Guide:
    """A rendered guide; `sections` are ids and titles of its headings, of errors' each code."""

    slug: str
    title: str
    lead: str
    html: str
    sections: tuple[tuple[str, str], ...]

    def at(self, origin: str) -> str:
        """The guide's HTML for a site at that address, 'https://pictor.example'."""
        return self.html.replace(ORIGIN, origin)


@cache
def guide(slug: str) -> Guide:
    return read(FOLDER / f"{slug}.md")


def read(path: Path) -> Guide:
    text = path.read_text(encoding="utf-8")
    return rendered(path.stem, _for_tenants(text) if path.stem == "changelog" else text)


def _for_tenants(changelog: str) -> str:
    """The changelog's items for tenants; without a key those about cards are left out."""
    parts = "\n".join(_OF_TENANTS.findall(changelog))
    if not settings.STRIPE_SECRET_KEY:
        parts = _ITEM.sub(lambda item: "" if _OF_CARDS.search(item[0]) else item[0], parts)
    return _CHANGELOG + _EMPTY.sub("", parts)


def rendered(slug: str, text: str) -> Guide:
    """Render a text in the guides' form: a title, an introductory sentence, sections."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.use(anchors_plugin, max_level=4, slug_func=anchor)
    tokens = [*_with_boxes(markdown.parse(text))]
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    head = _TITLE.search(html)
    if head is None:
        raise ValueError(f"{slug} begins with no title and sentence")
    return Guide(
        slug=slug,
        title=head[1],
        lead=head[2],
        html=_reachable(_IN_TREE.sub(r"\1", html)),
        sections=tuple((_ENTRY if slug in OF_ENTRIES else _SECTION).findall(html)),
    )


def guides() -> list[Guide]:
    return [guide(slug) for slug in SLUGS]


def sought(text: str) -> list[tuple[str, str]]:
    """Return title and address of each section that has all these words, best first."""
    words = text.casefold().split()
    named = titled(text)
    found = [
        (title, url)
        for title, url, content in _sections()
        if words and all(word in content for word in words)
    ]
    return [*named, *(one for one in found if one not in named)]


def titled(text: str) -> list[tuple[str, str]]:
    """Return title and address of each section whose title has words that begin like these."""
    words = text.casefold().split()
    found = []
    for title, url, _ in _sections():
        own = _WORDS.findall(title.casefold())
        if words and all(any(one.startswith(word) for one in own) for word in words):
            found.append((title, url))
    return found


@cache
def _sections() -> list[tuple[str, str, str]]:
    """Title, address and lower-case words of every section of every guide."""
    sections = []
    for one in guides():
        _, *parts = _HEADING.split(one.html)
        for anchor, html in zip(parts[::2], parts[1::2], strict=True):
            heading = strip_tags(html.partition("</h")[0])
            title = heading if heading == one.title else f"{one.title}: {heading}"
            sections.append((title, f"/docs/{one.slug}/#{anchor}", strip_tags(html).casefold()))
    return sections


def _with_boxes(tokens: Iterable[Token]) -> Iterator[Token]:
    """Put code into boxes with *Copy*; blocks that follow each other are tabs of one box."""
    number = count(1)
    for is_code, group in groupby(tokens, lambda token: token.type == "fence"):
        if not is_code:
            yield from group
            continue
        codes = [
            {
                "id": f"guide-{place}",
                "region": f"Code {place}",
                "language": LANGUAGES.get(token.info, "Text"),
                "text": token.content.rstrip("\n"),
            }
            for token, place in zip(group, number, strict=False)
        ]
        box = render_to_string("site/guide_code.html", {"codes": codes})
        yield Token("html_block", "", 0, content=box)


def _reachable(html: str) -> str:
    """Make regions that scroll sideways reachable by keyboard, each with its own name."""
    number = count(1)
    region = '<div class="scroll" tabindex="0" role="region" aria-label="Table {}"><table>'
    html = re.sub("<table>", lambda _: region.format(next(number)), html)
    return html.replace("</table>", "</table></div>")


def anchor(title: str) -> str:
    """'Have a key' -> 'have-a-key'; a code keeps its underscores."""
    return re.sub(r"[^a-z0-9_]+", "-", title.lower()).strip("-")
