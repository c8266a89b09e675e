import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Tenant
from accounts.services.office.personal_data import set_image_retention
from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.database.cursors import run
from pictor.kit.words import clock, ids
from storage import backends, services
from storage.models import StoredImage
from storage.services import ObjectMissing, StorageFailed
from storage.services.object_store import PROOF
from storage.tasks import expire_images

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
GENERATION = UUID("01932c07-209c-7000-8000-000000000001")


def fetched(url: str) -> tuple[int, str, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own url
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, "", b""


# --- objects ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 196_608, 300_000, 1_000_001])
def test_an_upload_comes_back_in_chunks_of_a_multiple_of_three(s3, spooled, size):
    data = os.urandom(size)
    services.upload("20261120/a/1-0.png", spooled(data), content_type="image/png")

    with services.open_stream("20261120/a/1-0.png") as stream:
        chunks = list(stream)

    assert b"".join(chunks) == data
    assert stream.size_bytes == size
    assert [len(chunk) % 3 for chunk in chunks[:-1]] == [0] * (len(chunks) - 1)


def test_uploading_again_replaces_the_object(s3, spooled):
    services.upload("20261120/b/1-0.png", spooled(b"first"), content_type="image/png")
    services.upload("20261120/b/1-0.png", spooled(b"second"), content_type="image/png")

    assert list(services.open_stream("20261120/b/1-0.png")) == [b"second"]


def test_an_object_that_is_not_there_is_missing(s3):
    with pytest.raises(ObjectMissing):
        services.open_stream("20261120/none/1-0.png")


def test_the_bucket_is_made_once(s3):
    backends.ensure_bucket()
    backends.ensure_bucket()


def test_keys_have_the_generations_day_in_utc(settings):
    settings.OBJECT_KEY_SECRET = "secret"
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC).astimezone()

    key = services.image_key_of(GENERATION, late, 2, 1, "jpeg")

    assert key.startswith("20261120/")
    assert key.endswith("/2-1.jpg")
    assert services.input_key_of(GENERATION, late, 0).startswith("in/20261120/")


# --- signed urls ------------------------------------------------------------------------------


def test_a_signed_url_works_without_a_key_on_the_public_address(s3, spooled):
    services.upload("20261120/c/1-0.webp", spooled(b"picture"), content_type="image/webp")

    url = services.signed_url("20261120/c/1-0.webp", content_type="image/webp")

    assert url.startswith(f"http://localhost:{s3.port}/images/20261120/c/1-0.webp?")
    assert "X-Amz-Expires=3600" in url
    assert fetched(url) == (200, "image/webp", b"picture")


def kept_for(url: str) -> str | None:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own url
        kept: str | None = answer.headers["Cache-Control"]
    return kept


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, "private, max-age=3600"),
        ({"expires_seconds": 60}, "private, max-age=60"),
        ({"attachment": "fox.webp"}, "private, no-store"),
    ],
)
def test_nobody_keeps_an_object_for_longer_than_its_url_is_good(s3, spooled, options, kept):
    services.upload("20261120/c/1-1.webp", spooled(b"picture"), content_type="image/webp")

    assert kept_for(backends.bucket.url("20261120/c/1-1.webp")) == "private, max-age=3600"
    assert kept_for(services.signed_url("20261120/c/1-1.webp", content_type="", **options)) == kept


def test_the_content_type_is_right_even_after_the_server_forgot_it(s3, spooled):
    services.upload("20261120/d/1-0.bin", spooled(b"picture"), content_type="image/webp")
    s3.stop()
    s3.start()

    url = services.signed_url("20261120/d/1-0.bin", content_type="image/webp")

    assert fetched(url) == (200, "image/webp", b"picture")


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("image%2Fpng", "text%2Fhtml"),
        ("1-0.png", "1-1.png"),
        ("X-Amz-Expires=60", "X-Amz-Expires=61"),
    ],
)
def test_a_signed_url_that_was_changed_is_refused(s3, spooled, part, other):
    services.upload("20261120/e/1-0.png", spooled(b"picture"), content_type="image/png")
    services.upload("20261120/e/1-1.png", spooled(b"picture"), content_type="image/png")
    url = services.signed_url("20261120/e/1-0.png", content_type="image/png", expires_seconds=60)

    assert part in url
    assert fetched(url.replace(part, other))[0] == 403


def test_without_a_signature_nothing_is_served(s3, spooled):
    services.upload("20261120/f/1-0.png", spooled(b"picture"), content_type="image/png")

    assert fetched(f"{s3.url}/images/20261120/f/1-0.png")[0] in {400, 403}


@pytest.mark.django_db
def test_a_row_of_a_worker_of_the_release_before_is_unknown():
    columns = (
        "id, tenant_id, generation_id, index, object_key, content_type, format, size_bytes, sha256,"
        " width, height, revised_prompt, expires_at"
    )
    tenant = Tenant.objects.create(name="acme")
    run(
        f"INSERT INTO storage_storedimage ({columns}) VALUES"  # noqa: S608 - of constants
        " (gen_random_uuid(), %s, gen_random_uuid(), 0, 'a', 'image/png', 'png', 1, '', 1, 1, '',"
        " now())",
        [tenant.id],
    )

    image = StoredImage.objects.get()
    assert (image.origin, image.manifest_label, image.is_marked) == ("unknown", "", False)


# --- failure ----------------------------------------------------------------------------------


def test_a_server_that_is_down_is_a_storage_failure_and_recovers(s3, spooled):
    spool = spooled(b"picture" * 100_000)
    s3.stop()

    with pytest.raises(StorageFailed):
        services.upload("20261120/g/1-0.png", spool, content_type="image/png")
    with pytest.raises(StorageFailed):
        services.open_stream("20261120/g/1-0.png")
    with pytest.raises(StorageFailed):
        services.delete_objects(["20261120/g/1-0.png"])
    s3.start()
    services.upload("20261120/g/1-0.png", spool, content_type="image/png")

    assert b"".join(services.open_stream("20261120/g/1-0.png")) == b"picture" * 100_000


def test_a_wrong_key_is_a_storage_failure_that_names_no_secret(s3, spooled, configured):
    configured(secret_key="wrong-secret")

    with pytest.raises(StorageFailed) as raised:
        services.upload("20261120/h/1-0.png", spooled(b"x"), content_type="image/png")

    assert "wrong-secret" not in str(raised.value)


def test_deleting_what_is_gone_is_fine(s3, spooled):
    services.upload("20261120/i/1-0.png", spooled(b"x"), content_type="image/png")

    services.delete_objects(["20261120/i/1-0.png", "20261120/i/1-0.png", "20261120/none.png"])

    with pytest.raises(ObjectMissing):
        services.open_stream("20261120/i/1-0.png")


# --- rows -------------------------------------------------------------------------------------


@pytest.fixture
def tenant(db: None) -> Tenant:
    return Tenant.objects.create(name="acme")


def stored(
    spooled: Callable[[bytes], SpoolFile],
    tenant: Tenant,
    *,
    index: int = 0,
    expires_at: datetime,
    generation: UUID | None = None,
) -> StoredImage:
    image = StoredImage(
        tenant=tenant,
        generation_id=generation or ids.new_uuid(),
        index=index,
        content_type="image/png",
        format="png",
        size_bytes=1,
        sha256="0" * 64,
        width=1024,
        height=1536,
        expires_at=expires_at,
    )
    image.object_key = f"20261120/{image.id.hex}/1-{index}.png"
    image.save()
    services.upload(image.object_key, spooled(b"x"), content_type="image/png")
    return image


def test_expired_images_lose_their_object_and_keep_their_row(s3, spooled, tenant):
    old = stored(spooled, tenant, expires_at=NOW - timedelta(seconds=1))
    new = stored(spooled, tenant, expires_at=NOW + timedelta(seconds=1))

    first = services.delete_expired(now=NOW, limit=10)
    second = services.delete_expired(now=NOW, limit=10)

    old.refresh_from_db()
    new.refresh_from_db()
    assert (first, second) == (1, 0)
    assert old.deleted_at == NOW
    assert new.deleted_at is None
    assert list(services.open_stream(new.object_key)) == [b"x"]
    with pytest.raises(ObjectMissing):
        services.open_stream(old.object_key)


@pytest.mark.parametrize(
    ("days", "age", "is_gone"),
    [
        (7, timedelta(days=7, minutes=1), True),
        (7, timedelta(days=7, minutes=-1), False),
        (0, timedelta(minutes=61), True),
        (0, timedelta(minutes=59), False),
        (None, timedelta(days=29), False),
    ],
)
@pytest.mark.usefixtures("s3")
def test_images_go_when_their_tenant_says_so(spooled, tenant, days, age, is_gone):
    now = clock.now()
    image = stored(spooled, tenant, expires_at=now + timedelta(days=1))
    StoredImage.objects.filter(id=image.id).update(created_at=now - age)
    set_image_retention(tenant=tenant, days=days, actor="test")
    image.refresh_from_db()
    promised = image.kept_until(days)

    removed = services.delete_expired(now=now, limit=10)

    image.refresh_from_db()
    assert (removed, image.deleted_at is not None) == (int(is_gone), is_gone)
    assert image.expires_at == promised


def test_a_longer_time_than_anyones_is_refused(tenant):
    with pytest.raises(ValidationError, match="0 to 30 days"):
        set_image_retention(tenant=tenant, days=31, actor="test")


def test_at_most_the_limit_is_removed_oldest_first(s3, spooled, tenant):
    images = [
        stored(spooled, tenant, expires_at=NOW - timedelta(hours=hours)) for hours in (1, 3, 2)
    ]

    removed = services.delete_expired(now=NOW, limit=2)

    left = StoredImage.objects.filter(deleted_at=None)
    assert removed == 2
    assert [image.id for image in left] == [images[0].id]


def test_a_storage_failure_leaves_the_row_for_the_next_time(s3, spooled, tenant):
    image = stored(spooled, tenant, expires_at=NOW)
    s3.stop()

    failed = services.delete_expired(now=NOW, limit=10)
    s3.start()
    then = services.delete_expired(now=NOW, limit=10)

    image.refresh_from_db()
    assert (failed, then) == (0, 1)
    assert image.deleted_at == NOW


def test_an_image_that_cannot_be_removed_keeps_no_other(s3, spooled, tenant, caplog):
    stuck = stored(spooled, tenant, expires_at=NOW - timedelta(hours=2))
    # For this server a non-empty folder is a key that cannot be removed.
    StoredImage.objects.filter(id=stuck.id).update(object_key=f"20261120/{stuck.id.hex}")
    free = stored(spooled, tenant, expires_at=NOW - timedelta(hours=1))

    removed = services.delete_expired(now=NOW, limit=10)

    left = StoredImage.objects.filter(deleted_at=None)
    assert removed == 1
    assert [image.id for image in left] == [stuck.id]
    assert f"the image {stuck.id} could not be removed: InternalError" in caplog.text
    with pytest.raises(ObjectMissing):
        services.open_stream(free.object_key)


def test_a_small_picture_that_cannot_be_removed_keeps_only_its_image(
    s3, spooled, tenant, monkeypatch
):
    stuck = stored(spooled, tenant, expires_at=NOW - timedelta(hours=2))
    stored(spooled, tenant, expires_at=NOW - timedelta(hours=1))
    StoredImage.objects.filter(id=stuck.id).update(has_thumbnail=True)
    delete_many = backends.PrivateBucket.delete_many

    def partly(self: backends.PrivateBucket, names: Iterable[str]) -> dict[str, str]:
        wanted = list(names)
        refused = {name: "AccessDenied" for name in wanted if name.startswith("small/")}
        return {**delete_many(self, [one for one in wanted if one not in refused]), **refused}

    monkeypatch.setattr(backends.PrivateBucket, "delete_many", partly)

    assert services.delete_expired(now=NOW, limit=10) == 1
    assert [image.id for image in StoredImage.objects.filter(deleted_at=None)] == [stuck.id]
    assert list(services.open_stream(stuck.object_key)) == [b"x"]


def test_the_hourly_task_removes_what_is_due(s3, spooled, tenant):
    stored(spooled, tenant, expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    stored(spooled, tenant, expires_at=datetime(2120, 1, 1, tzinfo=UTC))

    assert expire_images.run() == 1


def images_of(tenant: Tenant) -> list[StoredImage]:
    images = StoredImage.objects.filter(tenant=tenant, generation_id=GENERATION, deleted_at=None)
    return list(images.order_by("index"))


def test_a_generations_images_are_removed_with_what_is_known_of_their_bytes(s3, spooled, tenant):
    later = NOW + timedelta(days=30)
    images = [
        stored(spooled, tenant, index=index, generation=GENERATION, expires_at=later)
        for index in (1, 0)
    ]

    before = images_of(tenant)
    is_gone = services.remove_images(GENERATION, now=NOW)

    assert is_gone
    assert [image.id for image in before] == [images[1].id, images[0].id]
    assert images_of(tenant) == []
    assert set(StoredImage.objects.values_list("sha256", flat=True)) == {""}
    assert before[0].size == "1024x1536"
    assert before[0].public_id.startswith("img_")


@pytest.mark.anyio
async def test_the_probe_stores_by_both_ways_and_reads(s3):
    await services.prove()

    with services.open_stream("proof/of-storage.txt") as stream:
        assert b"".join(stream.chunks()) == PROOF
    s3.stop()
    with pytest.raises(StorageFailed):
        await services.prove()


def test_the_proof_of_removal_deletes_its_object(s3):
    services.prove_removal()

    with pytest.raises(ObjectMissing):
        services.require(["proof/of-removal.txt"])
    s3.stop()
    with pytest.raises(StorageFailed):
        services.prove_removal()
