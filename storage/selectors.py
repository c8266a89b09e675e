"""Reads of the facts about images and exports. The services read images' bytes."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from pictor.kit.database.cursors import all_rows, run
from pictor.kit.database.row_pages import in_pages
from pictor.kit.words import ids
from storage.models import ImageOrigin, StoredImage, TenantExport

STORED_IMAGES = "(SELECT generation_id, tenant_id, index, width, height FROM storage_storedimage)"
"""SQL: every image that was ever stored, for another app's statement to join."""
DIGEST = re.compile("[0-9a-fA-F]{64}", re.ASCII)
"""A sha256 as it is typed."""
MAX_ALIKE = 100


def images_stored(generation_id: str) -> Subquery:
    """The number of stored images, for a query whose column `generation_id` holds the id."""
    its = StoredImage.objects.filter(generation_id=OuterRef(generation_id)).order_by()
    return Subquery(its.values("generation_id").annotate(images=Count("id")).values("images"))


def images_still_there(generation_id: str) -> "QuerySet[StoredImage]":
    """The images not deleted, for a query whose column `generation_id` holds the id."""
    return StoredImage.objects.filter(generation_id=OuterRef(generation_id), deleted_at=None)


def images_of(generation_id: UUID) -> list[StoredImage]:
    """A generation's images in order, including deleted ones."""
    return list(StoredImage.objects.filter(generation_id=generation_id).order_by("index"))


def unsigned_images(*, since: datetime) -> "QuerySet[StoredImage]":
    """The images since then with a mark and no signature, up to the size for one."""
    marked = StoredImage.objects.filter(id__gte=ids.first_at(since), is_marked=True)
    return marked.filter(size_bytes__lt=10_000_000).exclude(credentials="signed")


def made_for(image_id: UUID) -> "QuerySet[StoredImage, Any]":
    """The id of the image's generation, as a subquery."""
    return StoredImage.objects.filter(id=image_id).values("generation_id")


def stored_images_of_tenant(tenant_id: UUID) -> Iterator[Mapping[str, Any]]:
    """Yield a tenant's images, including deleted ones, read in pages."""
    return in_pages(StoredImage.objects.filter(tenant_id=tenant_id).values())


_SIZES = """
SELECT tenant_id, SUM(size_bytes)::bigint FROM storage_storedimage
 WHERE deleted_at IS NULL GROUP BY tenant_id
"""


def sizes_together() -> dict[UUID, int]:
    """The bytes of each tenant's images that are not deleted; tenants without any are missing."""
    with transaction.atomic():
        run("SET LOCAL statement_timeout = 0")  # it reads every stored image
        return dict(all_rows(_SIZES))


def exports_of(tenant_id: UUID) -> list[TenantExport]:
    """A tenant's exports of everything that still exist, newest first."""
    exports = TenantExport.objects.filter(tenant_id=tenant_id, list_name="")
    return list(exports.select_related("asked_by").order_by("-asked_at"))


def list_exports_of(tenant_id: UUID, user_id: UUID) -> list[TenantExport]:
    """The lists that this person requested from a tenant and that still exist, newest first."""
    exports = TenantExport.objects.filter(tenant_id=tenant_id, asked_by_id=user_id)
    return list(exports.exclude(list_name="").order_by("-asked_at"))


def export_of(tenant_id: UUID, public_id: str, *, now: datetime) -> TenantExport | None:
    """A tenant's export with this public id, if its file can be downloaded."""
    export_id = ids.parse(ids.EXPORT, public_id)
    if export_id is None:
        return None
    ready = TenantExport.objects.filter(tenant_id=tenant_id, expires_at__gt=now)
    return ready.exclude(ready_at=None).filter(id=export_id).first()


def images_named(tenant_id: UUID, public_ids: Collection[str]) -> list[StoredImage]:
    """A tenant's images with these public ids that are not deleted, in their order."""
    wanted = [found for name in public_ids if (found := ids.parse(ids.IMAGE, name))]
    kept = StoredImage.objects.filter(tenant_id=tenant_id, id__in=wanted, deleted_at=None)
    return sorted(kept, key=lambda image: wanted.index(image.id))


def every_image_of(generation_ids: Collection[UUID]) -> list[StoredImage]:
    """The images of these generations, deleted ones too, each generation's in order."""
    images = StoredImage.objects.filter(generation_id__in=generation_ids)
    return list(images.order_by("generation_id", "index"))


def kept_images_of(generation_ids: Collection[UUID]) -> list[StoredImage]:
    """Those of them that are not deleted."""
    return [image for image in every_image_of(generation_ids) if image.deleted_at is None]


def origins_like(tenant_id: UUID | None, sha256: str, label: str) -> list[ImageOrigin]:
    """Up to 100 images of a tenant, or of all, with that digest or manifest's label, if any.

    Oldest first, expired ones too; none whose generation's words are forgotten.
    """
    known = Q(sha256=sha256) | Q(manifest_label=label) if label else Q(sha256=sha256)
    whose = {} if tenant_id is None else {"tenant_id": tenant_id}
    origins = ImageOrigin.objects.filter(known, **whose).select_related("image")
    return list(origins.order_by("image_id")[:MAX_ALIKE])
