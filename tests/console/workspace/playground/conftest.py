"""An image that the workspace has made."""

import pytest
from django.conf import settings

from storage import backends
from storage.models import StoredImage
from tests.console.workspace.conftest import Make
from tests.fakes.recorder import drawn
from tests.making.factories import PayingCustomer


@pytest.fixture
def own(acme: PayingCustomer, delivered: Make) -> StoredImage:
    """An image of acme's that is on storage."""
    backends.ensure_bucket()
    image = StoredImage.objects.get(generation_id=delivered(acme).id)
    content = drawn((64, 64))
    backends.bucket.client.put_object(
        Bucket=settings.S3_BUCKET, Key=image.object_key, Body=content, ContentType="image/png"
    )
    return image
