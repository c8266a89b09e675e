"""Every list before it has a row."""

import pytest

from tests.console.answers import said_by
from tests.console.ops.ladder.list_samples import SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_an_empty_list_says_what_will_stand_there(owner, name):
    sample = SAMPLES[name]
    query = {"about": "nothing"} if name == "audit" else {}

    assert sample.empty in said_by(owner.get(sample.path, query))
