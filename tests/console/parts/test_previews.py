"""An act's effect: another one has another digest, and what is typed confirms it."""

import pytest

from console.parts.acts import Change, Preview, typed_amount, typed_name
from pictor.kit.words.money import Micros


def test_each_thing_that_is_shown_decides_the_digest():
    one, other = Change("gen_1", "$1.00", "$2.00"), Change("gen_2", "$1.00", "$2.00")
    shown = [
        Preview(changes=[one]),
        Preview(changes=[other]),
        Preview(items=[one]),
        Preview(items=[other]),
        Preview(more=[one]),
        Preview(notes=["Waits."]),
        Preview(warnings=["Waits."]),
        Preview(stops="Waits."),
        Preview(items=[one], of=1),
        Preview(items=[one], of=2),
    ]

    assert len({preview.digest for preview in shown}) == 10


def test_what_an_act_is_decided_by_is_compared_alone():
    one, other = Change("gen_1", "$1.00", "$2.00"), Change("gen_2", "$1.00", "$2.00")

    assert Preview(items=[one], of=1).digest == Preview(items=[other], of=1).digest


@pytest.mark.parametrize(
    ("text", "is_right"),
    [("-0.25", True), ("0.25", False), ("-0.250001", False), ("quarter", False), ("", False)],
)
def test_an_amount_is_typed_with_its_sign_and_whole(text, is_right):
    again = typed_amount(Micros(-250_000), label="The change", hint="", wrong="Another one.")

    assert again.is_right(text) == is_right


@pytest.mark.parametrize(
    ("text", "is_right"),
    [("Acme Two", True), (" Acme  Two ", True), ("Acme", False), ("acme two", False), ("", False)],
)
def test_a_name_is_typed_whole(text, is_right):
    assert typed_name("Acme Two").is_right(text) == is_right
