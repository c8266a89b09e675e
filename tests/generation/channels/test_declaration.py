from dataclasses import replace

import pytest

from generation.channels.declaration import (
    HEADER_KEY,
    PLAIN,
    Abilities,
    MissingAbility,
    Needs,
    Task,
)
from generation.channels.size_rules import SizeRule

ALL = Abilities(
    tasks=frozenset({Task.GENERATE}), fields=frozenset({"style", "image"}), streams=True
)


@pytest.mark.parametrize(
    ("ignored", "fields", "streams"),
    [
        ([], {"style", "image"}, True),
        (["style"], {"image"}, True),
        (["mask"], {"style", "image"}, True),
        (["stream"], {"style", "image"}, False),
        (["partial_images", "image"], {"style"}, False),
    ],
)
def test_an_operator_can_narrow_what_an_adapter_does(ignored, fields, streams):
    narrowed = ALL.without(ignored)

    assert (narrowed.tasks, narrowed.fields, narrowed.streams) == (ALL.tasks, fields, streams)


def test_an_operator_cannot_widen_it():
    assert Abilities().without(["style"], max_images=16) == Abilities()


@pytest.mark.parametrize(
    ("abilities", "sent"),
    [
        (Abilities(takes_parameters=True), {"seed", "guidance"}),
        (Abilities(parameters=frozenset({"seed", "steps"})), {"seed"}),
        (Abilities(), set()),
    ],
)
def test_of_a_contracts_parameters_those_that_the_wire_knows_are_sent(abilities, sent):
    assert abilities.with_parameters(["seed", "guidance"]).fields == sent


LISTED = Abilities(sizes=frozenset({"1x1", "2x2", "auto"}))
IN_STEPS = Abilities(size_rule=SizeRule(16, 16, 64, 256, 4096, 2))


@pytest.mark.parametrize(
    ("abilities", "chosen", "made"),
    [
        (Abilities(), None, ["1x1", "16x32", "auto"]),
        (Abilities(), ["1x1"], ["1x1"]),
        (LISTED, None, ["1x1", "auto"]),
        (LISTED, ["2x2", "3x3", "auto"], ["auto"]),
        (IN_STEPS, None, ["16x32"]),
        (IN_STEPS, ["1x1", "16x32", "64x64", "auto"], ["16x32"]),
        (IN_STEPS, ["64x64"], []),
        (replace(IN_STEPS, sizes=frozenset({"1x1", "auto"})), None, ["1x1", "16x32", "auto"]),
        (replace(IN_STEPS, sizes=frozenset({"1x1", "auto"})), ["1x1"], ["1x1"]),
    ],
)
def test_an_operator_narrows_the_sizes_of_a_kind(abilities, chosen, made):
    narrowed = abilities.with_sizes(chosen)

    assert [size for size in ("1x1", "16x32", "auto") if narrowed.makes(size)] == made


EDITS = Abilities(
    tasks=frozenset({Task.GENERATE, Task.EDIT}), fields=frozenset({"image", "mask"}), max_images=4
)


@pytest.mark.parametrize(
    ("needs", "task"),
    [
        (PLAIN, Task.GENERATE),
        (Needs(Task.EDIT, 4, "mask"), Task.EDIT),
        (Needs(Task.VARIATION, 1), Task.EDIT),
    ],
)
def test_a_channel_is_asked_for_its_abilities_and_a_variation_may_be_an_edit(needs, task):
    assert (EDITS.lack(needs), EDITS.task_for(needs)) == (None, task)


@pytest.mark.parametrize(
    ("abilities", "needs", "lack"),
    [
        (Abilities(), PLAIN, MissingAbility("makes images")),
        (ALL, Needs(Task.EDIT, 1), MissingAbility("edits images")),
        (ALL, Needs(Task.VARIATION, 1), MissingAbility("makes variations")),
        (EDITS, Needs(Task.EDIT, 5), MissingAbility("takes 5 images", "image")),
        (EDITS.without(["image"]), Needs(Task.EDIT, 1), MissingAbility("takes 1 image")),
        (
            EDITS.without(["mask"]),
            Needs(Task.EDIT, 1, "mask"),
            MissingAbility("takes a mask", "mask"),
        ),
        (EDITS, Needs(Task.EDIT, 1, "markup"), MissingAbility("takes a markup", "markup")),
        (EDITS.without([], tasks=["edit"]), Needs(Task.EDIT, 1), MissingAbility("edits images")),
        (
            EDITS.without([], max_images=1),
            Needs(Task.EDIT, 2),
            MissingAbility("takes 2 images", "image"),
        ),
    ],
)
def test_a_missing_ability_is_named(abilities, needs, lack):
    assert (abilities.lack(needs), abilities.task_for(needs)) == (lack, None)


@pytest.mark.parametrize("text", ["sk-1", "  sk-1\n", "a" * 5000, "!~"])
def test_a_key_that_fits_in_a_header_is_taken_without_the_spaces_around_it(text):
    assert HEADER_KEY.checked(text) == text.strip()


@pytest.mark.parametrize(
    "text", ["", "  ", "two words", "na\u00efve", "a\x00b", "a\nb", "\u200bsk"]
)
def test_a_malformed_api_key_is_refused(text):
    with pytest.raises(ValueError, match="the API key is empty or has characters that no key has"):
        HEADER_KEY.checked(text)


@pytest.mark.parametrize(
    ("of_kind", "of_account", "most"), [(0, 0, 0), (0, 4, 4), (4, 0, 4), (4, 1, 1), (4, 10, 4)]
)
def test_an_account_only_lowers_the_most_images_of_an_order(of_kind, of_account, most):
    assert Abilities(max_n=of_kind).without([], max_n=of_account).max_n == most
