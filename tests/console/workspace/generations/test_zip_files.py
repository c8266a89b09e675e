"""All images of a generation as one file: streamed, or made in the background if they are large."""

import io
import zipfile
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.exceptions import PermissionDenied

from accounts.models import User
from console.workspace.exports import lists
from pictor.kit.words import clock
from storage import backends
from storage.models import StoredImage, TenantExport
from tests.console.answers import words_of
from tests.console.workspace.conftest import url
from tests.making.factories import PayingCustomer

TWO = ((1024, 1024), (1024, 1024))


@pytest.fixture
def made(acme, delivered):
    """A generation whose two images are on storage."""
    backends.ensure_bucket()
    generation = delivered(acme, sizes=TWO)
    for image in StoredImage.objects.filter(generation_id=generation.id):
        backends.bucket.client.put_object(
            Bucket=settings.S3_BUCKET, Key=image.object_key, Body=f"{image.index}".encode() * 70
        )
    return generation


def zip_of(answer: Any) -> zipfile.ZipFile:
    async def read() -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    return zipfile.ZipFile(io.BytesIO(async_to_sync(read)()))


def written(customer: PayingCustomer, generation: str) -> zipfile.ZipFile:
    """The file that the short-work worker makes of the export."""
    file = io.BytesIO()
    asker = User.objects.get(email="owner@acme.example")
    lists.write(
        name="images", query=f"generation={generation}", tenant=customer.tenant, user=asker,
        at=clock.now(), file=file,
    )  # fmt: skip
    return zipfile.ZipFile(file)


def test_all_images_come_as_one_uncompressed_file(acme, sign_in, made):
    first, second = StoredImage.objects.order_by("index")

    answer = sign_in(acme).get(url("generation_zip", acme, made.public_id))

    found = zip_of(answer)
    assert answer["Content-Disposition"] == f'attachment; filename="{made.public_id}.zip"'
    assert [entry.filename for entry in found.infolist()] == [
        f"{first.public_id}.png", f"{second.public_id}.png",
    ]  # fmt: skip
    assert {entry.compress_type for entry in found.infolist()} == {zipfile.ZIP_STORED}
    assert found.read(f"{second.public_id}.png") == b"1" * 70


def test_many_bytes_are_asked_for_as_an_export(acme, sign_in, made):
    StoredImage.objects.update(size_bytes=150 * 1024**2)
    client = sign_in(acme)

    led = client.get(url("generation_zip", acme, made.public_id))
    offered = words_of(client.get(led["Location"]))
    client.post(url("list_ask", acme), {"query": led["Location"].partition("?")[2]})

    assert led["Location"] == f"{url('exports', acme)}?list=images&generation={made.public_id}"
    assert "Make a file of all images of a generation" in offered
    assert TenantExport.objects.get().ext == "zip"
    assert len(written(acme, made.public_id).namelist()) == 2


@pytest.mark.usefixtures("made")
def test_another_workspaces_images_are_in_no_file(acme, other, sign_in, made):
    sign_in(acme)
    theirs = other.generation()

    assert sign_in(acme).get(url("generation_zip", acme, theirs.public_id)).status_code == 404
    with pytest.raises(PermissionDenied):
        written(acme, theirs.public_id)


def test_images_that_cannot_be_read_lead_back_in_words(acme, sign_in, delivered):
    made = delivered(acme)
    client = sign_in(acme)

    page = client.get(url("generation_zip", acme, made.public_id), follow=True)

    assert page.redirect_chain == [(url("generation", acme, made.public_id), 302)]
    assert "The images cannot be read at the moment. Try again." in words_of(page)
