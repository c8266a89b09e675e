"""Stored images and exports: the facts about them. Their bytes are on S3."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from pictor.kit.words import ids

SHORTEST = timedelta(hours=1)
"""The shortest time an image is kept, whatever its tenant set, so that its url can be followed."""
QUERY_CHARS = 4000


class TenantExport(models.Model):
    """One file requested by a person, deleted a day later: all data of a tenant, or one list."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    is_of_staff = models.BooleanField(
        default=False, db_default=False, help_text="Requested by staff at /ops/, for its admins."
    )
    asked_at = models.DateTimeField()
    page_url = models.CharField(
        max_length=300,
        help_text="The address of the page with the file, for the person who requested it.",
    )
    list_name = models.CharField(
        max_length=20,
        blank=True,
        db_default="",
        help_text="The exported list; empty for all data of the tenant.",
    )
    list_query = models.CharField(
        max_length=QUERY_CHARS,
        blank=True,
        db_default="",
        help_text="The list's filters, as a query string.",
    )
    object_key = models.CharField(
        max_length=200,
        blank=True,
        db_default="",
        help_text="The key of the file in storage; empty until its upload begins.",
    )
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    cut_off = models.SmallIntegerField(
        default=0,
        db_default=0,
        help_text="The number of attempts whose process ended, one under way included.",
    )
    failure = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="The reason why it was given up, as the end of a sentence.",
    )
    ready_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    size_bytes = models.BigIntegerField(null=True)

    public_id = ids.PublicId(ids.EXPORT)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"],
                name="one_export_at_a_time",
                condition=models.Q(ready_at=None, failed_at=None, list_name=""),
            ),
            models.UniqueConstraint(
                fields=["tenant", "asked_by"],
                name="one_list_at_a_time",
                condition=models.Q(ready_at=None, failed_at=None) & ~models.Q(list_name=""),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"export of {self.list_name or 'everything'} of {self.tenant_id}"

    @property
    def ext(self) -> str:
        """The extension of its file's name."""
        return "zip" if self.list_name in {"", "images"} else "csv"

    @property
    def is_being_made(self) -> bool:
        """True if it is neither ready nor given up."""
        return self.ready_at is None and self.failed_at is None


class StoredImage(models.Model):
    """One delivered image. Its url is signed on read and never stored.

    `deleted_at` is set once its object is gone; the row stays, as the bill refers to it.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    generation_id = models.UUIDField()
    index = models.PositiveSmallIntegerField()
    object_key = models.CharField(max_length=200)
    content_type = models.CharField(max_length=20)
    format = models.CharField(max_length=4)
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    revised_prompt = models.TextField(blank=True)
    credentials = models.CharField(
        max_length=8,
        default="unknown",
        db_default="unknown",
        help_text="What became of its Content Credentials: kept, signed, removed or none.",
    )
    credentials_reason = models.CharField(max_length=10, blank=True, default="", db_default="")
    manifest_label = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="The active manifest's, of kept or signed credentials.",
    )
    is_marked = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)
    has_thumbnail = models.BooleanField(default=False, db_default=False)
    has_icon = models.BooleanField(default=False, db_default=False)

    public_id = ids.PublicId(ids.IMAGE)

    class Meta:
        constraints = [
            # This is also the index for all images of a generation.
            models.UniqueConstraint(
                fields=["generation_id", "index"], name="stored_image_once_per_generation"
            ),
            models.UniqueConstraint(
                fields=["object_key"], name="storage_storedimage_object_key_key"
            ),
        ]
        indexes = [
            # The hourly sums by tenant are read from this index, too.
            models.Index(
                fields=["expires_at"],
                include=["tenant", "size_bytes"],
                name="stored_image_to_expire",
                condition=models.Q(deleted_at__isnull=True),
            ),
            models.Index(fields=["tenant", "-created_at"], name="stored_image_by_tenant"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.object_key} ({self.width}x{self.height})"

    @property
    def size(self) -> str:
        """The delivered pixels, such as '1024x1536'."""
        return f"{self.width}x{self.height}"

    @property
    def origin(self) -> str:
        """What it says of how it was made, as 'removed:converted:marked'."""
        mark = "marked" if self.is_marked else ""
        return ":".join(filter(None, (self.credentials, self.credentials_reason, mark)))

    def kept_until(self, days: int | None) -> datetime:
        """The time the image expires in a tenant that keeps images for `days` (see services)."""
        if days is None:
            return self.expires_at
        return min(self.expires_at, self.created_at + (timedelta(days=days) or SHORTEST))


class ImageOrigin(models.Model):
    """Finds an image by the digest of its bytes, or by the label of its manifest.

    Filled behind settlement, which has no such index to maintain. It stays when the image expires,
    since take-downs come later, and goes with its generation's words.
    """

    # Without the database's constraints: to add one would wait for settlements, and hold them up.
    image = models.OneToOneField(
        StoredImage, on_delete=models.CASCADE, primary_key=True, related_name="+",
        db_constraint=False,
    )  # fmt: skip
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="+", db_index=False,
        db_constraint=False,
    )  # fmt: skip
    sha256 = models.CharField(max_length=64)
    manifest_label = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["sha256", "tenant"], name="origin_by_digest"),
            models.Index(
                fields=["manifest_label", "tenant"],
                name="origin_by_manifest",
                condition=~models.Q(manifest_label=""),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.image_id} {self.sha256}"


class OriginsUntil(models.Model):
    """The id up to which every image is in `ImageOrigin`. There is one row."""

    image_id = models.UUIDField(default=UUID(int=0))

    @override
    def __str__(self) -> str:
        return f"until {self.image_id}"
