"""A size that a contract's rule allows stays in the form, though the picker does not offer it."""

import pytest

from console.workspace.shared.choices import draft_of
from generation.channels.size_rules import SizeRule
from tests.making.factories import contract_of

RULE = SizeRule(16, 256, 4096, 1, 4_194_304, 3)
LISTED = contract_of("dall-e-3", size_rule=RULE)
ALONE = contract_of("dall-e-3", size_rule=RULE, options=(), default_size="768x1024")


@pytest.mark.parametrize(
    ("contract", "said", "size", "moved"),
    [
        (LISTED, {"size": "1008x1344"}, "1008x1344", False),
        (LISTED, {"size": "1000x1000"}, "1024x1024", True),
        (LISTED, {"was": "1008x1344", "size": "1008x1344", "tier_size": "1024x1792"},
         "1024x1792", False),
        (ALONE, {}, "768x1024", False),
        (ALONE, {"size": "1008x1344"}, "1008x1344", False),
        (ALONE, {"size": "1x1"}, "768x1024", True),
    ],
)  # fmt: skip
def test_a_size_by_the_rule_is_taken(contract, said, size, moved):
    draft = draft_of({"model": "dall-e-3", **said}, [contract])

    assert (draft.size, draft.moved) == (size, moved)


def test_a_size_by_a_rule_stays_chosen_beside_the_listed_ones():
    draft = draft_of({"model": "dall-e-3", "size": "1008x1344"}, [LISTED])

    assert draft.tiers == [("base", "1024x1792"), ("any", "1008x1344")]
    assert [(one.name, one.size, one.is_chosen) for one in draft.ratios] == [
        ("3:4", "1008x1344", True)
    ]
    assert draft.body["size"] == "1008x1344"
