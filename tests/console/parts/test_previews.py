"""The digest of an act's effect: another effect is another digest."""

from console.parts.acts import Change, Preview


def test_each_thing_that_is_shown_decides_the_digest():
    one, other = Change("gen_1", "$1.00", "$2.00"), Change("gen_2", "$1.00", "$2.00")
    shown = [
        Preview(changes=[one]),
        Preview(changes=[other]),
        Preview(items=[one]),
        Preview(items=[other]),
        Preview(notes=["Waits."]),
        Preview(warnings=["Waits."]),
        Preview(stops="Waits."),
        Preview(items=[one], of=1),
        Preview(items=[one], of=2),
    ]

    assert len({preview.digest for preview in shown}) == 9


def test_what_an_act_is_decided_by_is_compared_alone():
    one, other = Change("gen_1", "$1.00", "$2.00"), Change("gen_2", "$1.00", "$2.00")

    assert Preview(items=[one], of=1).digest == Preview(items=[other], of=1).digest
