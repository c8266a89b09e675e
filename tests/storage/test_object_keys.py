from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from storage import object_keys
from storage.services import image_key_of, input_key_of, partial_key_of

GENERATION = UUID("01932c07-209c-7000-8000-000000000001")
DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_an_image_key_is_dated_unguessable_and_the_same_every_time():
    keys = {object_keys.object_key("secret", GENERATION, "1-0.png", created=DAY) for _ in range(3)}

    assert keys == {"20261120/12e/75e1bf9e596738c3ce405f4604808/1-0.png"}


def test_dispatches_and_indexes_have_objects_of_their_own():
    keys = {
        image_key_of(GENERATION, NOON, dispatch, index, "jpeg")
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
        object_keys.object_key(secret, generation, "0.bin", created=DAY)
        for secret in ("secret", "other")
        for generation in (GENERATION, UUID(int=GENERATION.int + 1))
    }

    assert len(folders) == 4


def test_the_key_of_an_input_begins_with_in(settings):
    settings.OBJECT_KEY_SECRET = "secret"

    assert input_key_of(GENERATION, NOON, 3) == (
        "in/20261120/12e/75e1bf9e596738c3ce405f4604808/3.bin"
    )


def test_partial_images_lie_apart_each_under_a_key_of_its_own(settings):
    settings.OBJECT_KEY_SECRET = "secret"

    key = partial_key_of(GENERATION, NOON, 1, image=9, partial=2, image_format="jpeg")

    assert key == "tmp/20261120/12e/75e1bf9e596738c3ce405f4604808/1-9-2.jpg"


def test_without_a_secret_there_is_no_key():
    with pytest.raises(ValueError, match="secret"):
        object_keys.object_key("", GENERATION, "0.bin", created=DAY)
