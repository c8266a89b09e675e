from datetime import date
from uuid import UUID

import pytest

from storage import object_keys

GENERATION = UUID("01932c07-209c-7000-8000-000000000001")
DAY = date(2026, 11, 20)


def test_an_image_key_is_dated_unguessable_and_the_same_every_time():
    keys = {
        object_keys.image_key("secret", GENERATION, created=DAY, dispatch=1, index=0, ext="png")
        for _ in range(3)
    }

    assert keys == {"20261120/12e/75e1bf9e596738c3ce405f4604808/1-0.png"}


def test_dispatches_and_indexes_have_objects_of_their_own():
    keys = {
        object_keys.image_key(
            "secret", GENERATION, created=DAY, dispatch=dispatch, index=index, ext="jpg"
        )
        for dispatch in (1, 2)
        for index in (0, 9)
    }

    assert sorted(key.rpartition("/")[2] for key in keys) == [
        "1-0.jpg",
        "1-9.jpg",
        "2-0.jpg",
        "2-9.jpg",
    ]
    assert len({key.rpartition("/")[0] for key in keys}) == 1


def test_another_secret_or_generation_gives_another_folder():
    folders = {
        object_keys.input_key(secret, generation, created=DAY, index=0)
        for secret in ("secret", "other")
        for generation in (GENERATION, UUID(int=GENERATION.int + 1))
    }

    assert len(folders) == 4


def test_the_key_of_an_input_begins_with_in():
    assert object_keys.input_key("secret", GENERATION, created=DAY, index=3, ext="png") == (
        "in/20261120/12e/75e1bf9e596738c3ce405f4604808/3.png"
    )


def test_partial_images_lie_apart_each_under_a_key_of_its_own():
    key = object_keys.partial_key(
        "secret", GENERATION, created=DAY, dispatch=1, image=9, partial=2, ext="jpg"
    )

    assert key == "tmp/20261120/12e/75e1bf9e596738c3ce405f4604808/1-9-2.jpg"


def test_without_a_secret_there_is_no_key():
    with pytest.raises(ValueError, match="secret"):
        object_keys.input_key("", GENERATION, created=DAY, index=0)
