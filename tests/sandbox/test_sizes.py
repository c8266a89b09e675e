import pytest

from sandbox.sizes import Size, output_tokens, text_tokens


@pytest.mark.parametrize(
    ("size", "quality", "tokens"),
    [
        (Size(1024, 1024), "low", 196),
        (Size(1024, 1024), "medium", 1756),
        (Size(1024, 1024), "high", 7024),
        (Size(1024, 1024), "standard", 1756),
        (Size(1024, 1024), "hd", 7024),
        (Size(1024, 1536), "medium", 1372),
        (Size(1536, 1024), "medium", 1372),
        (Size(2048, 2048), "high", 14272),
        (Size(3840, 2160), "high", 13342),
        (Size(2880, 2880), "high", 23719),
        (Size(1360, 768), "low", 110),
    ],
)
def test_tokens_follow_the_published_table(size, quality, tokens):
    assert output_tokens(size, quality) == tokens


@pytest.mark.parametrize(
    "text", ["auto", "16:9", "1024", "1024X1024", "01024x768", "15x64", "4097x64", "1024x1024 "]
)
def test_only_pixels_within_bounds_are_a_size(text):
    assert Size.parse(text) is None


def test_the_bounds_themselves_are_sizes():
    assert Size.parse("16x4096") == Size(16, 4096)


def test_a_prompt_costs_a_token_for_every_four_bytes():
    assert [text_tokens(text) for text in ("", "fox", "a fox", "狐狐")] == [1, 1, 2, 2]
