"""Requests under /v1 that made nothing: refused, or answered with an earlier generation."""

from datetime import datetime

from django.db import models
from typing_extensions import override

from pictor.kit.words import ids

MAX_COLUMN_CHARS = {"model": 64, "code": 64, "param": 100, "message": 500, "stopped_by": 64}
"""The length of each text column, in characters."""
MAX_PER_DAY = 20_000
"""Rows of one caller in a UTC day."""
NO_PRICE = "price"
"""`stopped_by` of a request for a model without a published price."""


class RefusedRequest(models.Model):
    """A request that made nothing, kept for 7 days without the caller's words or address.

    The table is UNLOGGED: a crash of the database empties it, and so does a restored base backup.
    The ids are UUIDv7, so the primary key finds a row, lists rows by time and deletes the old ones.
    Tenant, key and generation are plain ids: a row outlives its key, and foreign keys would be
    checked on each insert.
    """

    id = models.UUIDField(primary_key=True, help_text="The id of the request.")
    caller = models.UUIDField(
        help_text="The tenant's id or, for an unknown key, a keyed digest of the address."
    )
    day = models.DateField(help_text="The UTC day on which the row was written.")
    place = models.IntegerField(help_text="The row's number among its caller's rows of that day.")
    tenant_id = models.UUIDField(null=True)
    key_id = models.UUIDField(null=True)
    generation_id = models.UUIDField(
        null=True, help_text="The earlier generation with which it was answered."
    )
    model = models.CharField(max_length=MAX_COLUMN_CHARS["model"])
    status = models.SmallIntegerField()
    code = models.CharField(max_length=MAX_COLUMN_CHARS["code"])
    param = models.CharField(max_length=MAX_COLUMN_CHARS["param"])
    message = models.CharField(max_length=MAX_COLUMN_CHARS["message"])
    stopped_by = models.CharField(
        max_length=MAX_COLUMN_CHARS["stopped_by"],
        help_text="The limit that stopped it, or `price` without a price; empty if neither did.",
    )
    ms = models.IntegerField()

    public_id = ids.PublicId(ids.REQUEST)

    class Meta:
        indexes = [models.Index(fields=["caller", "day", "place"], name="refused_of_caller")]

    @override
    def __str__(self) -> str:
        return self.public_id

    @property
    def at(self) -> datetime:
        """The time of the request, read from its id."""
        return ids.made_at(self.id)
