"""The guides under /docs/: Markdown beside this file, rendered once per process.

`{{origin}}` in a guide stands for the site's own address, so that copied commands work, and
`{{models}}` for a table of the models on offer. Headings
have addresses: `/docs/errors/#insufficient_quota`. Raises OSError for a guide that does not exist.
"""

import re
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

from markdown_it import MarkdownIt
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

_TITLE = re.compile(r'<h1 id="[^"]*">((?:[^<]|<(?!/?h1))*)</h1>\s*<p>((?:[^<]|<(?!/?p>))*)</p>')
_SECTION = re.compile(r'<h2 id="([^"]+)">((?:[^<]|<(?!/?h2))*)</h2>')


@dataclass(frozen=True, slots=True)
class Guide:
    """A rendered guide; `sections` are the ids and titles of its second-level headings."""

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
    """Render a text in the guides' form: a title, an introductory sentence, sections."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.use(anchors_plugin, max_level=3, slug_func=_anchor)
    html: str = markdown.render(path.read_text(encoding="utf-8"))
    head = _TITLE.search(html)
    if head is None:
        raise ValueError(f"{path} begins with no title and sentence")
    return Guide(
        slug=path.stem,
        title=head[1],
        lead=head[2],
        html=_reachable(html),
        sections=tuple(_SECTION.findall(html)),
    )


def guides() -> list[Guide]:
    return [guide(slug) for slug in SLUGS]


def _reachable(html: str) -> str:
    """Make regions that scroll sideways reachable by keyboard, each with its own name."""
    number = count(1)
    html = html.replace("<pre>", '<pre tabindex="0">')
    region = '<div class="scroll" tabindex="0" role="region" aria-label="Table {}"><table>'
    html = re.sub("<table>", lambda _: region.format(next(number)), html)
    return html.replace("</table>", "</table></div>")


def _anchor(title: str) -> str:
    """'Have a key' -> 'have-a-key'; a code keeps its underscores."""
    return re.sub(r"[^a-z0-9_]+", "-", title.lower()).strip("-")
