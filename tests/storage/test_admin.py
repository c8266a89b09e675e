"""The operator's list of images: found by the ids that a caller has."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import User
from accounts.services import create_tenant
from pictor.kit.words import clock
from pictor.kit.words.ids import GENERATION, new_uuid, new_uuid_of, public
from storage.models import StoredImage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


def test_images_are_found_by_their_own_id_their_generation_and_their_object(client):
    client.force_login(User.objects.create_superuser("root@example.com"))
    tenant = create_tenant(name="acme", actor="test")
    images = [
        StoredImage.objects.create(
            id=new_uuid_of(clock.now() - ago), tenant=tenant, generation_id=new_uuid(), index=0,
            object_key=f"{image_format}-key",
            content_type="image/png", format=image_format, size_bytes=1, sha256="0" * 64, width=1,
            height=1, expires_at=clock.now(),
        )
        for image_format, ago in (("png", timedelta(minutes=1)), ("webp", timedelta()))
    ]  # fmt: skip

    def listed(**said: str) -> list[str]:
        answer = client.get(reverse("admin:storage_storedimage_changelist"), said)
        return [row.format for row in answer.context["cl"].result_list]

    assert listed() == ["webp", "png"]
    assert listed(format="png") == ["png"]
    assert listed(made="hour", format="jpeg") == []
    generation_id = images[0].generation_id
    texts = (images[0].public_id, str(generation_id), public(GENERATION, generation_id), "png-key")
    assert [listed(q=text) for text in texts] == [["png"]] * 4
