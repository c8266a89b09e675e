"""Reads of stored images, always by tenant."""

from uuid import UUID

from storage.models import StoredImage


def images_of(*, tenant_id: UUID, generation_id: UUID) -> list[StoredImage]:
    """The images of a generation that still have their bytes, in order."""
    return list(
        StoredImage.objects.filter(
            tenant_id=tenant_id, generation_id=generation_id, deleted_at=None
        ).order_by("index")
    )
