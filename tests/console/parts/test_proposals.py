"""An act is done as it was shown, and not at all while something stops it."""

import pytest
from django.http import QueryDict

from console.parts.acts import NOT_AS_SHOWN, Act, ActResult, Asked, Change, Preview, Proposal
from pictor.kit.words import clock, ids

SHOWN = Preview(changes=[Change("cost", "$1", "$2")], items=[Change("a", "$1", "$2")])


def proposed(preview: Preview) -> Proposal[None]:
    """An act with this effect, as it is sent."""
    act = Act[None](
        name="it.do", verb="Do", lead="It is done.", about=None, needs="see", audit="it.do",
        preview=lambda _asked: preview, do=lambda _asked: ActResult(words="done"),
    )  # fmt: skip
    asked = Asked[None](
        subject=None, by={"actor": "test", "ip": None}, may=[], mode="live", once=ids.new_uuid(),
        now=clock.now(),
    )  # fmt: skip
    return Proposal(act, asked, QueryDict())


def test_what_was_shown_is_done():
    done = proposed(SHOWN).settle(seen=SHOWN.digest, confirm="")

    assert done == ActResult(words="done")


@pytest.mark.parametrize(
    "other",
    [
        {"changes": [Change("cost", "$1", "$3")]},
        {"items": [Change("b", "$1", "$2")]},
        {"notes": ["One more."]},
        {"warnings": ["It costs more."]},
        {"of": 7},
    ],
)
def test_another_effect_than_was_shown_is_not_done(other):
    proposal = proposed(Preview(**{"changes": SHOWN.changes, "items": SHOWN.items, **other}))

    assert proposal.settle(seen=SHOWN.digest, confirm="") is None
    assert proposal.complaint == NOT_AS_SHOWN


def test_nothing_is_done_while_something_stops_it():
    ended = Preview(stops="It has ended.")

    assert proposed(ended).settle(seen=ended.digest, confirm="") is None
