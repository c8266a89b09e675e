"""A real browser on one page: everything wrong with it, as lines.

Checks the console's promises for each page: its status, the accessibility rules of axe, no
violation of the content security policy, nothing on the console, no request to another site, no
sideways scrolling and no layout shift.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Request,
    ViewportSize,
)

CHROMIUM = (
    os.environ.get("CHROMIUM_PATH")
    or shutil.which("chromium-headless-shell")  # no window: a fifth less work
    or shutil.which("chromium")
)
SCREENSHOTS = os.environ.get("PICTOR_SCREENSHOTS")
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
CONTRAST = {"type": "rule", "values": ["color-contrast"]}
AXE = Axe().axe_script
MAX_SHIFT = 0.02
WATCH = """
window.violations = []; window.shift = 0; window.shifted = [];
addEventListener("securitypolicyviolation", (e) =>
  violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) {
    shift += entry.value;
    shifted.push(...entry.sources.map((one) => one.node?.outerHTML?.slice(0, 80)));
  }
}).observe({ type: "layout-shift", buffered: true });
"""
IS_TOO_WIDE = "document.documentElement.scrollWidth > innerWidth"
SEEN = f"""
async () => {{
  await document.fonts.ready;
  const isTooWide = {IS_TOO_WIDE};
  return {{ violations, shift, shifted, isTooWide }};
}}
"""
BROKEN = """
async ([context, options]) =>
  (await axe.run(context ?? document, options)).violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)}`))
"""
NODES = (Path(__file__).parent / "nodes.js").read_text(encoding="utf-8")
_sound: set[str] = set()
"""Kinds of nodes on pages that axe had no complaint about, in this process."""
PATIENCE_MS = 90_000
"""Longer than a slow machine stands still."""
WEAR = "(theme) => { document.documentElement.dataset.theme = theme; }"


@dataclass(frozen=True)
class Look:
    """A viewport and theme in which a page is viewed."""

    name: str
    theme: str
    viewport: ViewportSize


WIDE, PHONE = ViewportSize(width=1360, height=900), ViewportSize(width=390, height=844)
LOOKS = (
    Look("light", "light", WIDE),
    Look("dark", "dark", WIDE),
    Look("phone", "light", PHONE),
    Look("phone-dark", "dark", PHONE),
)
SHOWN = LOOKS if SCREENSHOTS else (LOOKS[0], LOOKS[3])
"""Both themes and both widths occur in two looks. Pictures are made in all."""


@contextmanager
def looking(
    browser: Browser, base_url: str, look: Look, *, touch: bool = False
) -> Iterator[BrowserContext]:
    """Open a browser session with that look at that site, by touch in place of a mouse if wished.

    Animations are off: drawing the fade from page to page is a tenth of all the work.
    """
    context = browser.new_context(
        base_url=base_url,
        viewport=look.viewport,
        has_touch=touch,
        is_mobile=touch,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    choose_theme(context, base_url, look)
    context.add_init_script(WATCH)
    try:
        yield context
    finally:
        context.close()


def in_every_look(page: Page, base_url: str) -> Iterator[Look]:
    """Yield each look in turn; pages opened in this tab meanwhile appear in it."""
    for look in SHOWN:
        resize(page, look.viewport)
        choose_theme(page.context, base_url, look)
        yield look


def resize(page: Page, viewport: ViewportSize) -> None:
    """Resize the tab unless it has that size: even then the page would be laid out anew."""
    if page.viewport_size != viewport:
        page.set_viewport_size(viewport)


def choose_theme(context: BrowserContext, base_url: str, look: Look) -> None:
    """Set the cookie by which the server knows the visitor's theme."""
    context.add_cookies([{"name": "theme", "value": look.theme, "url": base_url}])


def faults(page: Page, path: str, *, status: int = 200, known: tuple[str, ...] = ()) -> list[str]:
    """Return the faults of the page at that path, a line each.

    Lines that contain one of `known` are left out: exceptions with a reason of their own.
    """
    with _heard(page) as (found, urls):
        answer = page.goto(path)
        seen = page.evaluate(SEEN)
    if answer is None or answer.status != status:
        found.append(f"status {answer and answer.status}")
    home = urlsplit(page.url).netloc
    found += [f"request to {url}" for url in urls if not _is_ours(url, home)]
    found += seen["violations"]
    if seen["isTooWide"]:
        found.append("scrolls sideways")
    if seen["shift"] > MAX_SHIFT:
        found.append(f"shifts by {seen['shift']:.3f}: {seen['shifted']}")
    refused = f"the server responded with a status of {status} "
    let_be = (refused, *known)
    return [line for line in found if not any(part in line for part in let_be)]


@contextmanager
def _heard(page: Page) -> Iterator[tuple[list[str], list[str]]]:
    """Collect console errors and requested addresses as they come."""
    errors: list[str] = []
    urls: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    def failed(error: Error) -> None:
        errors.append(str(error))

    def sent(request: Request) -> None:
        urls.append(request.url)

    page.on("console", said)
    page.on("pageerror", failed)
    page.on("request", sent)
    yield errors, urls
    page.remove_listener("console", said)
    page.remove_listener("pageerror", failed)
    page.remove_listener("request", sent)


def _is_ours(url: str, home: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"data", "blob"} or parts.netloc == home


def axe_of_look(page: Page, *apart_from: str) -> list[str]:
    """Return the accessibility rules that the page breaks in its present look, but for contrast.

    Contrast follows from the tokens (`test_contrast.py`). `apart_from` selects parts that are not
    ours to mend, or are checked elsewhere. Axe looks at a page only if it has a node that is
    unlike all nodes of pages that axe had no complaint about.
    """
    nodes = set() if apart_from else set(page.evaluate(NODES))
    if nodes and nodes <= _sound:
        return []
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    broken = _broken(page, _but(apart_from), RULES)
    if not broken:
        _sound.update(nodes)
    return broken


def faint_in(page: Page, theme: str) -> list[str]:
    """Return text too faint in that theme; the page keeps the theme."""
    page.evaluate(WEAR, theme)
    return [f"{theme}: {line}" for line in _broken(page, None, CONTRAST, color_contrast=True)]


def _but(apart_from: tuple[str, ...]) -> dict[str, list[list[str]]] | None:
    return {"exclude": [[part] for part in apart_from]} if apart_from else None


def _broken(
    page: Page, context: Any, rules: dict[str, Any], *, color_contrast: bool = False
) -> list[str]:
    options = {
        "runOnly": rules,
        "rules": {"color-contrast": {"enabled": color_contrast}},
        "resultTypes": ["violations"],
        "preload": False,
    }
    broken: list[str] = page.evaluate(BROKEN, [context, options])
    return broken


def keep(page: Page, name: str) -> None:
    """Save a picture of the whole page if pictures are wanted (`make screenshots`)."""
    if SCREENSHOTS:
        folder = Path(SCREENSHOTS)
        folder.mkdir(parents=True, exist_ok=True)
        page.wait_for_load_state("networkidle")  # images load when they scroll into sight
        page.screenshot(path=folder / f"{name}.png", full_page=True)


def focused(page: Page) -> str:
    """Return the text of the focused element."""
    return str(page.evaluate("document.activeElement.textContent.trim()"))
