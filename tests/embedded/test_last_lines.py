"""The last lines of a start name only things that work."""

import re
from functools import partial
from pathlib import Path

import pytest

from pictor.embedded.first_image import Customer
from pictor.embedded.last_lines import OPENS_FOR, show_welcome
from pictor.embedded.layout import Layout
from pictor.embedded.progress import Progress
from pictor.kit.secrets import passes
from pictor.kit.words import clock

ENV = {
    "PICTOR_DEMO_API_KEY": "sk-pictor-demo",
    "PICTOR_DEMO_EMAIL": "demo@pictor.local",
    "PICTOR_DEMO_PASSWORD": "aaaa-bbbb",
    "SECRET_KEY": "of this installation",
}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(root=tmp_path, data=tmp_path, run=tmp_path, host="127.0.0.1", port=8000)


def test_the_console_is_opened_without_a_password_for_an_hour(layout, capsys):
    now = clock.now()

    show_welcome(Progress(), layout, ENV, has_key=True)

    said = capsys.readouterr().out
    (link,) = re.findall(r"http://\S+/open/(\S+)/", said)
    is_good = partial(passes.is_good, link, passes.OPEN_DEMO, secret=ENV["SECRET_KEY"])
    assert is_good(now=now)
    assert not is_good(now=now + OPENS_FOR * 1.1)
    assert "Open the console's address in a browser" in said
    assert "-H 'Authorization: Bearer sk-pictor-demo'" in said


def test_a_key_that_opens_nothing_is_not_printed(layout, capsys):
    show_welcome(Progress(), layout, ENV, has_key=False)

    said = capsys.readouterr().out
    assert "sk-pictor-demo" not in said
    assert "the demo key no longer works: make another in the console" in said
    assert ("/open/" in said, "/console/" in said, "curl" in said) == (False, True, False)


def test_without_the_key_that_signs_there_is_no_link(layout, capsys):
    show_welcome(Progress(), layout, {**ENV, "SECRET_KEY": ""}, has_key=True)

    assert "/open/" not in capsys.readouterr().out


def test_the_running_stack_is_asked_whether_the_key_opens(stack):
    def opens(key: str) -> bool:
        return Customer(host="127.0.0.1", port=int(stack.env["PORT"]), api_key=key).is_let_in()

    assert (opens(stack.api_key), opens(stack.api_key[:-1] + "!")) == (True, False)
