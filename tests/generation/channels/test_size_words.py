import pytest

from generation.channels.declaration import Abilities
from generation.channels.size_words import SizeWords

TABLES = """
["lite|small"]
64x64 = { ratio = "1:1" }

['fox-1.5']
64x64 = { ratio = "1:1", class = "S" }
96x64 = { ratio = "3:2", class = "S" }
"""


@pytest.fixture
def words(tmp_path):
    (tmp_path / "sizes.toml").write_text(TABLES)
    return SizeWords(tmp_path / "sizes.toml")


@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        ("fox-1.5-small", {"64x64": {"ratio": "1:1"}}),
        (
            "fox-1.5",
            {
                "64x64": {"ratio": "1:1", "class": "S"},
                "96x64": {"ratio": "3:2", "class": "S"},
            },
        ),
        ("fox-125", {}),
    ],
)
def test_a_model_has_the_sizes_of_the_first_table_that_names_it(words, model, sizes):
    assert words.of_model(model) == sizes


def test_a_model_makes_the_sizes_that_have_words_or_chooses_one(words):
    assert words.narrowed(Abilities(), "fox-1.5").sizes == {"auto", "64x64", "96x64"}
