"""An operator's names for a request's fields: what is sent by them, and which are refused."""

import pytest

from generation.channels.declaration import Abilities, Task
from generation.channels.field_map import FieldMap

USUAL = FieldMap(size={"to": "image_size", "as": "object"}, images="image_urls", n="num_images")
ASKED = {"prompt": "a fox", "n": 2, "size": "1536x1024", "output_format": "jpeg", "seed": 7}
KIND = Abilities(
    tasks=frozenset({Task.GENERATE}),
    fields=frozenset({"style", "mask"}),
    takes_parameters=True,
    formats=frozenset({"png", "jpeg"}),
    max_images=16,
    max_n=4,
)


def test_an_empty_map_leaves_the_kinds_names() -> None:
    assert USUAL.body({}, {**ASKED, "image": ["one"]}, ["https://a/1", "https://a/2"]) == {
        "prompt": "a fox",
        "num_images": 2,
        "image_size": {"width": 1536, "height": 1024},
        "output_format": "jpeg",
        "seed": 7,
        "image_urls": ["https://a/1", "https://a/2"],
    }
    assert USUAL.narrowed(KIND, {}) == KIND


@pytest.mark.parametrize(
    ("entry", "sent"),
    [
        ({"to": ["w", "h"], "as": "sides"}, {"w": 1536, "h": 1024}),
        ({"to": "s", "as": "star"}, {"s": "1536*1024"}),
        ("dimensions", {"dimensions": "1536x1024"}),
        (
            {"words": {"1536x1024": {"ratio": "3:2", "class": "1k"}}},
            {"ratio": "3:2", "class": "1k"},
        ),
        ({"to": "s", "words": {"1536x1024": "landscape_4_3"}}, {"s": "landscape_4_3"}),
        ("", {}),
    ],
)
def test_a_size_is_sent_in_the_vendors_form(entry: object, sent: dict[str, object]) -> None:
    typed = USUAL.checked({"size": entry})
    assert USUAL.body(typed, {"size": "1536x1024"}) == sent


@pytest.mark.parametrize(
    ("entry", "sent"),
    [
        ({"to": "input", "as": "list"}, {"input": ["A", "B"]}),
        ({"to": "image", "as": "one"}, {"image": "A"}),
        ({"to": "input_image", "as": "numbered"}, {"input_image": "A", "input_image_2": "B"}),
    ],
)
def test_images_are_sent_in_the_vendors_form(entry: object, sent: dict[str, object]) -> None:
    typed = USUAL.checked({"images": entry})
    assert USUAL.body(typed, {}, ["A", "B"]) == sent


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"size": {"words": {"1024x1024": {"ratio": "1:1"}}}},
        {"size": {"to": "s", "words": {"1024x1024": "square"}}},
    ],
)
def test_a_size_that_the_model_chooses_is_not_sent(typed: dict[str, object]) -> None:
    assert USUAL.body(USUAL.checked(typed), {"size": "auto"}) == {}


def test_a_quality_without_a_word_in_tables_is_not_sent() -> None:
    typed = USUAL.checked({"quality": {"words": {"high": {"steps": 30}}}})
    assert USUAL.body(typed, {"quality": "high"}) == {"steps": 30}
    assert USUAL.body(typed, {"quality": "low"}) == {}


@pytest.mark.parametrize("name", ["n", "size", "response_format", "stream", "output_compression"])
def test_what_a_kind_sends_itself_is_neither_fixed_nor_another_fields_name(name: str) -> None:
    for typed in ({"fixed": {name: 1}}, {"seed": name}):
        with pytest.raises(ValueError, match=f"{name!r} is named twice"):
            FieldMap().checked(typed)


def test_an_object_that_a_caller_sends_stays_one() -> None:
    style = {"preset": "ink", "tags": ["a", None]}
    assert FieldMap().body({}, {"style": style}) == {"style": style}
    assert USUAL.body({"style": "look"}, {"style": style}) == {"look": style}


def test_what_is_fixed_goes_with_each_request_and_wins() -> None:
    typed = USUAL.checked(
        {"seed": "seed_number", "fixed": {"style": "plain", "safe": {"on": True}}}
    )
    assert USUAL.body(typed, {"seed": 7}) == {
        "seed_number": 7,
        "style": "plain",
        "safe": {"on": True},
    }
    assert "style" not in USUAL.narrowed(KIND, typed).fields


def test_only_mapped_parameters_of_a_contract_are_sent() -> None:
    typed = USUAL.checked({"seed": "seed_number"})
    narrowed = USUAL.narrowed(KIND, typed).with_parameters(["seed", "strength"])
    assert "seed" in narrowed.fields
    assert "strength" not in narrowed.fields


def test_a_map_says_what_the_model_lacks() -> None:
    typed = USUAL.checked({"n": "", "output_format": "", "images": "", "size": ""})
    narrowed = USUAL.narrowed(KIND, typed)
    assert (narrowed.max_n, narrowed.formats, narrowed.sizes) == (
        1,
        frozenset(),
        frozenset({"auto"}),
    )
    assert Task.EDIT not in narrowed.tasks
    assert "image" not in narrowed.fields


def test_mapped_images_make_edits_without_a_mask() -> None:
    typed = USUAL.checked({"images": {"to": "image_url", "as": "one"}})
    narrowed = USUAL.narrowed(KIND, typed)
    assert narrowed.tasks == {Task.GENERATE, Task.EDIT}
    assert (narrowed.max_images, narrowed.fields) == (1, frozenset({"style", "image"}))


def test_listed_sizes_and_formats_are_all_there_are() -> None:
    words = {"1024x1024": {"aspect_ratio": "1:1"}}
    formats = {"to": "format", "words": {"jpeg": "jpg"}}
    typed = USUAL.checked({"size": {"words": words}, "output_format": formats})
    narrowed = USUAL.narrowed(KIND, typed)
    assert (narrowed.sizes, narrowed.formats) == (
        frozenset({"auto", "1024x1024"}),
        frozenset({"jpeg"}),
    )
    assert USUAL.body(typed, {"output_format": "jpeg"}) == {"format": "jpg"}


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({"seed": "a b"}, "'a b' is named twice, or is no field's name"),
        ({"seed": "prompt_2", "style": "prompt_2"}, "'prompt_2' is named twice"),
        ({"seed": "image_size"}, "'image_size' is named twice"),
        ({"seed": "prompt"}, "'prompt' is named twice"),
        ({"fixed": {"image_urls": []}}, "'image_urls' is named twice"),
        ({"fixed": 3}, "fixed must be a table"),
        ({"prompt": ""}, "prompt must be a table"),
        ({"model": "m"}, "'model' cannot be mapped"),
        ({"mask": "mask_url"}, "'mask' cannot be mapped"),
        ({"size": {"to": "s", "as": "list"}}, "size has to, words, and as: object, sides"),
        ({"size": {"to": "s", "as": "sides"}}, "size.to is a field's name, or a list of two"),
        ({"size": {"words": {"big": {"a": 1}}}}, "'big' is not a size"),
        ({"seed": {"to": 3}}, "seed.to is a field's name"),
        ({"seed": {"to": "s", "by": 3}}, "seed has to, words"),
        ({"fixed": {"a": "x" * 9000}}, "a map has at most 60 fields and 8192 characters"),
        ({f"f{number}": "x" for number in range(61)}, "a map has at most 60 fields"),
    ],
)
def test_a_wrong_map_is_refused_in_words(typed: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault.replace("[", r"\[")):
        USUAL.checked(typed)
