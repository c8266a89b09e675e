"""What a person reads on a page, line by line with its links, and the forms that it has."""

import re
from dataclasses import dataclass, field, replace
from html import unescape
from html.parser import HTMLParser
from typing import Any

from typing_extensions import override

BREAKS = re.compile(
    r"</?(?:tr|li|p|h\d|div|option|dt|dd|section|form|label|legend|summary)\b[^>]*>"
)
HREF = re.compile(r'<a\b[^>]*\bhref="([^"]*)"[^>]*>')
UNSEEN = re.compile(r"<(script|style|template)\b.*?</\1>", re.DOTALL)
HIDDEN_TYPES = {"hidden", "submit", "button", "file"}


def lines_in(html: str) -> str:
    """The text of the page's main part: a line a block, each link with its address."""
    _, begun, rest = html.partition("<main")
    main = UNSEEN.sub("", "<main" + rest.partition("</main>")[0] if begun else html)
    main = HREF.sub(r"<\1> ".replace("<", "&lt;").replace(">", "&gt;"), main)
    text = re.sub(r"<[^>]*>", " ", BREAKS.sub("\n", main))
    lines = (" ".join(unescape(line).split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


@dataclass
class Form:
    """A form on a page: where it is sent, and what with if nothing is typed."""

    action: str
    method: str
    id: str
    values: dict[str, list[str]] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    """The visible fields, each with its type."""
    page: str = ""
    """The text of its page."""
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """The buttons that send it to another address or say something: action, name, value."""


class Forms(HTMLParser):
    """All forms of a page; fields outside belong to the form that they name."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._select: tuple[Form, str] | None = None
        self._area: tuple[Form, str] | None = None
        self._outside: list[tuple[str, str, dict[str, str]]] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(
                facts.get("action", ""), facts.get("method", "get"), facts.get("id", "")
            )
            self.forms.append(self._open)
        elif tag == "option" and self._select:
            form, name = self._select
            if "selected" in facts or name not in form.values:
                form.values[name] = [facts.get("value", "")]
        elif tag in ("input", "select", "textarea", "button"):
            if owner := facts.get("form"):
                self._outside.append((owner, tag, facts))
            elif self._open:
                self._take(self._open, tag, facts)

    def _take(self, form: Form, tag: str, facts: dict[str, str]) -> None:
        name, kind = facts.get("name", ""), facts.get("type", "text" if tag == "input" else tag)
        if tag == "button" or kind == "submit":
            form.buttons.append((facts.get("formaction", ""), name, facts.get("value", "")))
            return
        if not name or "disabled" in facts:
            return
        if kind not in HIDDEN_TYPES:
            form.typed[name] = kind
        if tag == "select":
            self._select = (form, name)
        elif tag == "textarea":
            self._area = (form, name)
            form.values.setdefault(name, [""])
        elif kind not in ("checkbox", "radio"):
            form.values.setdefault(name, []).append(facts.get("value", ""))
        elif "checked" in facts:
            form.values.setdefault(name, []).append(facts.get("value", "on"))

    @override
    def handle_data(self, data: str) -> None:
        if self._area:
            form, name = self._area
            form.values[name] = [form.values[name][0] + data]

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None


def forms_of(html: str) -> list[Form]:
    """The page's forms that are sent by POST."""
    parser = Forms()
    parser.feed(html)
    by_id = {form.id: form for form in parser.forms if form.id}
    for owner, tag, facts in parser._outside:  # noqa: SLF001 - its own module
        if owner in by_id:
            parser._take(by_id[owner], tag, facts)  # noqa: SLF001
    text = lines_in(html)
    return [replace(form, page=text) for form in parser.forms if form.method == "post"]


def data_of(form: Form, **typed: Any) -> dict[str, Any]:
    """What a browser sends, with these values in place of the form's own."""
    return {**form.values, **typed}
