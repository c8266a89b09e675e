import time

import pytest

from sandbox import directives
from sandbox.directives import Directive, DirectiveError
from sandbox.sizes import Size


def test_a_prompt_without_a_directive_is_unchanged():
    assert directives.split("a fox [in a box]") == ("a fox [in a box]", Directive())


def test_a_directive_is_read_and_removed_wherever_it_stands():
    prompt, directive = directives.split("a red [sandbox: delay=1.5 size=640x480 images=3] fox")

    assert prompt == "a red fox"
    assert directive == Directive(delay_seconds=1.5, size=Size(640, 480), images=3)


def test_keys_may_come_in_any_order_and_in_several_directives():
    prompt, directive = directives.split("[sandbox: revise fail=reset]fox[sandbox:noise drip]")

    assert prompt == "fox"
    assert directive == Directive(failure="reset", revise=True, noise=True, drip=True)


def test_the_last_failure_counts():
    _, directive = directives.split("[sandbox: fail=reset fail=503]")

    assert directive == Directive(failure=None, status=503)


def test_a_directive_of_more_than_200_characters_is_words_of_the_prompt():
    longest, longer = f"[sandbox:{'':186}drip]", f"[sandbox:{'':187}drip]"

    assert directives.split(f"a {longest} fox") == ("a fox", Directive(drip=True))
    assert directives.split(f"a {longer} fox") == ("a [sandbox: drip] fox", Directive())


def test_directives_that_never_end_are_looked_at_in_linear_time():
    prompt, began = "[sandbox:" * 3_540, time.thread_time()

    assert directives.split(prompt) == (prompt, Directive())

    assert time.thread_time() - began < 0.1


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("colour=red", "Unknown sandbox directive 'colour'"),
        ("revise=1", "'revise' takes no value"),
        ("delay=soon", "'delay' must be"),
        ("delay=-1", "'delay' must be"),
        ("delay=nan", "'delay' must be"),
        ("delay", "'delay' must be"),
        ("fail=oops", "'fail' must be"),
        ("fail=999", "'fail' must be"),
        ("size=9999x9999", "'size' must be"),
        ("images=11", "'images' must be"),
    ],
)
def test_a_senseless_directive_is_refused_by_name(word, message):
    with pytest.raises(DirectiveError, match=message):
        directives.split(f"a fox [sandbox: {word}]")
