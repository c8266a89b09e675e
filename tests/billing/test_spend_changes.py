"""Why spending changed: the parts of each cell, by hand and for any numbers."""

from hypothesis import given
from hypothesis import strategies as st

from billing.spend_changes import Spend, SpendChange, changes_of_spend

SPENDS = st.dictionaries(
    st.sampled_from("abcd"),
    st.builds(Spend, st.integers(0, 10**6), st.integers(0, 10**12)),
)


def parts(changes: list[SpendChange[str]]) -> dict[str, tuple[int, int, int]]:
    return {change.cell: (change.volume, change.price, change.mix) for change in changes}


def test_more_images_at_the_same_price_are_volume():
    before = {"a": Spend(10, 1_000), "b": Spend(10, 3_000)}
    now = {"a": Spend(20, 2_000), "b": Spend(20, 6_000)}

    assert parts(changes_of_spend(before, now)) == {"b": (3_000, 0, 0), "a": (1_000, 0, 0)}


def test_dearer_images_are_price():
    changes = changes_of_spend({"a": Spend(10, 1_000)}, {"a": Spend(10, 1_500)})

    assert parts(changes) == {"a": (0, 500, 0)}


def test_a_shift_to_the_dearer_model_is_mix():
    before = {"cheap": Spend(10, 1_000), "dear": Spend(10, 3_000)}
    now = {"cheap": Spend(5, 500), "dear": Spend(15, 4_500)}

    assert parts(changes_of_spend(before, now)) == {"dear": (0, 0, 1_500), "cheap": (0, 0, -500)}


def test_a_new_cell_is_mix_and_takes_no_part_in_the_price():
    before = {"old": Spend(10, 1_000)}
    now = {"old": Spend(10, 1_200), "new": Spend(10, 7_000)}

    assert parts(changes_of_spend(before, now)) == {
        "new": (0, 0, 7_000),
        "old": (1_000, 200, -1_000),
    }


def test_after_nothing_all_is_volume():
    changes = changes_of_spend({}, {"a": Spend(3, 10), "b": Spend(1, 20)})

    assert parts(changes) == {"b": (20, 0, 0), "a": (10, 0, 0)}


def test_what_rounding_leaves_goes_to_the_largest():
    before = {"a": Spend(1, 1), "b": Spend(1, 1), "c": Spend(1, 100)}
    now = {"a": Spend(2, 2), "b": Spend(1, 1), "c": Spend(1, 100)}

    volumes = {change.cell: change.volume for change in changes_of_spend(before, now)}

    assert volumes == {"a": 0, "b": 0, "c": 34}  # a third of 1, 1 and 100, which is 34 in all


@given(SPENDS, SPENDS)
def test_volume_price_and_mix_are_the_difference(before, now):
    changes = changes_of_spend(before, now)

    difference = sum(one.captured for one in now.values()) - sum(
        one.captured for one in before.values()
    )
    assert sum(change.volume + change.price + change.mix for change in changes) == difference
    assert all(
        change.now.captured - change.before.captured == change.volume + change.price + change.mix
        for change in changes
    )
