"""Long texts on pages are cut in linear time."""

import time

from django.template import Context, Template


def test_a_text_is_cut_to_its_first_characters():
    cut = Template("{{ text|truncatechars:5 }}")

    assert cut.render(Context({"text": "a fox"})) == "a fox"
    assert cut.render(Context({"text": "a foxes"})) == "a fo…"
    assert cut.render(Context({"text": "<b>&amp;"})) == "&lt;b&gt;&amp;…"


def test_combining_marks_are_not_put_in_order():
    cut = Template("{{ text|truncatechars:5 }}")
    began = time.thread_time()

    assert cut.render(Context({"text": "a" + "\u0315\u0300" * 15_999})) == "a\u0315\u0300\u0315…"

    assert time.thread_time() - began < 0.1
