import pytest

from generation.channels.declaration import HEADER_KEY, Abilities, Task

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
    assert Abilities().without(["style"]) == Abilities()


@pytest.mark.parametrize("text", ["sk-1", "  sk-1\n", "a" * 5000, "!~"])
def test_a_key_that_fits_in_a_header_is_taken_without_the_spaces_around_it(text):
    assert HEADER_KEY.checked(text) == text.strip()


@pytest.mark.parametrize(
    "text", ["", "  ", "two words", "na\u00efve", "a\x00b", "a\nb", "\u200bsk"]
)
def test_anything_else_is_none(text):
    with pytest.raises(ValueError, match="the API key is empty or has characters that no key has"):
        HEADER_KEY.checked(text)
