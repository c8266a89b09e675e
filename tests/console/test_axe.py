"""Axe looks again at a page that has a fault, however much it resembles pages without one."""

import pytest

from tests.console.browser import axe_of_look

SOUND = """
<!doctype html><html lang="en"><head><title>A page</title></head><body>
<header><a href="/">Home</a></header>
<main><h1>Keys</h1><h2>All of them</h2>
<form><label for="name">Name</label><input id="name" aria-describedby="hint"><p id="hint">Short.</p>
<button type="button" style="width:90px;height:44px">Save</button></form>
<img src="data:," alt="A heron"><ul><li>One</li></ul>
<table><caption>Keys</caption><tr><th scope="col">Name</th></tr><tr><td>One</td></tr></table>
</main></body></html>
"""
FAULTS = {
    "a field without a label": ('<label for="name">Name</label>', "", "label"),
    "a label of nothing": ('for="name"', 'for="nothing"', "label"),
    "a picture without words": ('alt="A heron"', "", "image-alt"),
    "a link without words": (">Home<", "><", "link-name"),
    "a button without words": (">Save<", "><", "button-name"),
    "a heading that skips a level": ("<h2>All of them</h2>", "<h4>All</h4>", "heading-order"),
    "no first heading": ("<h1>Keys</h1>", "<p>Keys</p>", "page-has-heading-one"),
    "a second main part": ("</main>", "</main><main>x</main>", "landmark-no-duplicate-main"),
    "text outside of landmarks": ("</main>", "</main><p>Lost</p>", "region"),
    "a list of paragraphs": ("<li>One</li>", "<p>One</p>", "list"),
    "a line outside of a list": ("<ul><li>One</li></ul>", "<li>One</li>", "listitem"),
    "a role that is none": ("<ul>", '<ul role="herd">', "aria-roles"),
    "a state that is none": ("<button", '<button aria-expanded="perhaps"', "aria-valid-attr-value"),
    "a link within a button": (">Save<", '><a href="/">Save</a><', "nested-interactive"),
    "small targets side by side": (
        "<header>", '<header><button style="width:9px;height:9px;padding:0">x</button>',
        "target-size",
    ),
    "a page without a title": ("<title>A page</title>", "<title></title>", "document-title"),
    "a page without a language": (' lang="en"', "", "html-has-lang"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_on_a_page_like_others_is_found(browser, fault):
    was, now, rule = FAULTS[fault]
    page = browser.new_page()

    page.set_content(SOUND)
    assert axe_of_look(page) == []
    page.set_content(SOUND.replace(was, now))
    broken = axe_of_look(page)
    page.close()

    assert was in SOUND
    assert [line for line in broken if line.startswith(rule)], broken
