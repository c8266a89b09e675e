"""Thumbnails: made once, of stored images, and deleted with them."""

import io
from collections.abc import Collection
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

import sandbox
from accounts.services.office.tenants import create_tenant
from pictor.kit.bytes.spool import SpoolFile, Spools
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from storage import services
from storage.backends import PrivateBucket, bucket
from storage.models import StoredImage
from storage.object_keys import icon_key, thumbnail_key
from storage.services import ObjectMissing, open_stream, remove_images, upload
from storage.thumbnails import ICON, THUMBNAIL, small_url

SIGNED = Path(sandbox.__file__).with_name("signed.png").read_bytes()
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3")]


@pytest.fixture
def stored(spools: Spools) -> StoredImage:
    """A png of 1536 x 1024 on storage, with its row."""
    picture = io.BytesIO()
    Image.new("RGB", (1536, 1024), (200, 30, 30)).save(picture, "PNG")
    image = StoredImage(
        tenant=create_tenant(name="acme", actor="test"),
        generation_id=new_uuid(),
        index=0,
        object_key=f"20261120/{new_uuid().hex}/1-0.png",
        content_type="image/png",
        format="png",
        size_bytes=picture.tell(),
        sha256="0" * 64,
        width=1536,
        height=1024,
        expires_at=clock.now() + timedelta(days=1),
    )
    with closing(spools.new(max_bytes=image.size_bytes)) as spool:
        spool.write(picture.getvalue())
        upload(image.object_key, spool, content_type="image/png")
    image.save()
    return image


def picture_at(key: str) -> Image.Image:
    with closing(open_stream(key)) as stream:
        return Image.open(io.BytesIO(b"".join(stream)))


KINDS = pytest.mark.parametrize("kind", [THUMBNAIL, ICON])


@pytest.mark.parametrize(("kind", "size"), [(THUMBNAIL, (512, 341)), (ICON, (96, 64))])
def test_a_thumbnail_fits_its_square_and_keeps_its_ratio(stored, spools, kind, size):
    url = small_url(stored, kind, spools=spools)

    small = picture_at(kind.key_of(stored.object_key))
    assert (small.format, small.size) == ("WEBP", size)
    assert kind.key_of(stored.object_key) in url
    assert spools.budget.used_bytes == 0


@KINDS
def test_a_thumbnail_of_a_kept_file_has_no_credentials(stored, spools, kind):
    with closing(spools.new(max_bytes=1_000_000)) as spool:
        spool.write(SIGNED)
        upload(stored.object_key, spool, content_type="image/png")

    small_url(stored, kind, spools=spools)

    with closing(open_stream(kind.key_of(stored.object_key))) as stream:
        data = b"".join(stream)
    assert b"jumb" in SIGNED
    assert [word for word in (b"jumb", b"C2PA", b"XMP ") if word in data] == []


@KINDS
def test_a_thumbnail_is_made_once(stored, spools, monkeypatch, kind):
    small_url(stored, kind, spools=spools)
    stored.refresh_from_db()
    monkeypatch.setattr("storage.thumbnails.open_stream", None)

    assert small_url(stored, kind, spools=spools)


def test_the_smaller_is_made_of_the_small_one(stored, spools):
    small_url(stored, THUMBNAIL, spools=spools)
    stored.refresh_from_db()
    bucket.delete_many([stored.object_key])

    small_url(stored, ICON, spools=spools)

    assert picture_at(icon_key(stored.object_key)).size == (96, 64)


def test_thumbnails_are_deleted_with_their_image(stored, spools):
    for kind in (THUMBNAIL, ICON):
        small_url(stored, kind, spools=spools)

    assert remove_images(stored.generation_id, now=clock.now())

    with pytest.raises(ObjectMissing):
        open_stream(stored.object_key)
    with pytest.raises(ObjectMissing):
        open_stream(thumbnail_key(stored.object_key))
    with pytest.raises(ObjectMissing):
        open_stream(icon_key(stored.object_key))


@KINDS
def test_a_thumbnail_made_while_objects_are_removed_does_not_stay(
    stored, spools, monkeypatch, kind
):
    remove = PrivateBucket.delete_many

    def remove_late(its: PrivateBucket, keys: Collection[str]) -> dict[str, str]:
        small_url(StoredImage.objects.get(id=stored.id), kind, spools=spools)
        return remove(its, keys)

    monkeypatch.setattr(PrivateBucket, "delete_many", remove_late)

    assert remove_images(stored.generation_id, now=clock.now())

    with pytest.raises(ObjectMissing):
        open_stream(kind.key_of(stored.object_key))


@KINDS
def test_a_thumbnail_made_while_its_image_goes_does_not_stay(stored, spools, monkeypatch, kind):
    def upload_late(key: str, spool: SpoolFile, *, content_type: str) -> None:
        upload(key, spool, content_type=content_type)
        services.remove_images(stored.generation_id, now=clock.now())

    monkeypatch.setattr("storage.thumbnails.upload", upload_late)

    small_url(stored, kind, spools=spools)

    with pytest.raises(ObjectMissing):
        open_stream(kind.key_of(stored.object_key))
