"""Deliveries that are short or of another size: badged in lists, also when images are gone."""

import pytest

from console.parts.pictures import otherwise
from generation.models import Generation
from pictor.kit.words import clock
from storage.models import StoredImage
from tests.console.answers import lines_of, words_of
from tests.console.workspace.conftest import url

ONE = ((1024, 1024),)


@pytest.mark.parametrize(
    ("asked", "n", "sizes", "words"),
    [
        ("1024x1024", 2, ["1024x1024", "1024x1024"], []),
        ("1024x1024", 2, ["1024x1024"], ["1 of 2"]),
        ("1024x1024", 1, ["1024x768"], ["Other size"]),
        ("1024x1024", 3, ["1024x768", "1024x1024"], ["2 of 3", "Other size"]),
        ("auto", 2, ["1024x768", "1024x1024"], []),
        ("1024x1024", 1, [], []),
    ],
)
def test_a_delivery_is_otherwise_by_size_or_number(asked, n, sizes, words):
    assert otherwise(Generation(size=asked, n=n), sizes) == words


@pytest.fixture
def short(acme, delivered):
    """One image of two; its picture has expired."""
    made = delivered(acme, n=2, sizes=ONE)
    StoredImage.objects.filter(generation_id=made.id).update(deleted_at=clock.now())
    return made


@pytest.mark.parametrize("query", ["", "?q={id}", "?status=succeeded"])
def test_a_list_badges_a_short_delivery_whose_picture_has_expired(acme, sign_in, short, query):
    page = words_of(sign_in(acme).get(url("generations", acme) + query.format(id=short.public_id)))

    assert "1 of 2</span>" in page
    assert "Other size" not in page


def test_a_keys_page_and_the_gallery_badge_it(acme, sign_in, delivered):
    delivered(acme, size="1536x1024", sizes=ONE)
    client = sign_in(acme)

    key = words_of(client.get(url("key", acme, acme.key.public_id)))
    gallery = words_of(client.get(url("generations", acme), {"view": "gallery"}))

    assert ["Other size</span>" in page for page in (key, gallery)] == [True, True]


def test_a_delivery_as_asked_has_no_such_badge(acme, sign_in, delivered):
    delivered(acme, sizes=ONE * 2)

    page = words_of(sign_in(acme).get(url("generations", acme)))

    assert ["Other size" in page, "of 2</span>" in page] == [False, False]


def test_the_file_has_sizes_and_credentials_after_the_pictures_are_gone(acme, sign_in, delivered):
    made = delivered(acme, sizes=((1024, 1024), (1536, 1024)))
    rows = StoredImage.objects.filter(generation_id=made.id)
    rows.update(deleted_at=clock.now(), credentials="removed", credentials_reason="converted")
    rows.filter(index=0).update(is_marked=True)
    client, page = sign_in(acme), url("generations", acme)

    (expired,) = lines_of(client.get(page, {"format": "csv"}))
    client.post(url("generation_delete", acme, made.public_id))
    (deleted,) = lines_of(client.get(page, {"format": "csv"}))

    for line in (expired, deleted):
        assert (line["images"], line["delivered_sizes"]) == ("2", "1024x1024 1536x1024")
        assert line["content_credentials"] == "removed:converted:marked removed:converted"
