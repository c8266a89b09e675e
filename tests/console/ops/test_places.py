"""The navigation of the operator's console."""

import re

import pytest


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/ops/", "Overview"),
        ("/ops/prices/", "Prices"),
        ("/ops/prices/new/", "Prices"),
        ("/ops/prices/lists/", "Price lists"),
    ],
)
def test_a_page_marks_only_the_nearest_place(owner, path, place):
    page = owner.get(path).content.decode()

    assert re.findall(r'class="side-link[^>]* aria-current="page">([^<]+)</a>', page) == [place]
