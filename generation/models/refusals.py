"""Requests under /v1 that made nothing: refused, or answered by what an earlier one had made."""

from datetime import datetime

from django.db import models
from typing_extensions import override

from pictor.kit.words import ids

LONGEST = {"model": 64, "code": 64, "param": 100, "message": 500, "stopped_by": 64}
"""Characters of each column of text."""
NO_PRICE = "price"
"""What stopped a request for which no price is published."""


class RefusedRequest(models.Model):
    """One of them, for 7 days. Never with its caller's words, nor their address.

    The table is UNLOGGED: a crash of the database empties it, and so does a restored base backup.
    The ids are UUIDv7, so the primary key finds one, has them in the order of time, and ends them.
    Plain ids: a row outlives the key, and a foreign key would be checked for each.
    """

    id = models.UUIDField(primary_key=True, help_text="The request's.")
    caller = models.UUIDField(
        help_text="The tenant's id; of an unknown key, a keyed digest of the address."
    )
    day = models.DateField(help_text="On which it was written, UTC.")
    place = models.IntegerField(help_text="The how-manieth it is of its caller's that day.")
    tenant_id = models.UUIDField(null=True)
    key_id = models.UUIDField(null=True)
    generation_id = models.UUIDField(null=True, help_text="What it was answered with again.")
    model = models.CharField(max_length=LONGEST["model"])
    status = models.SmallIntegerField()
    code = models.CharField(max_length=LONGEST["code"])
    param = models.CharField(max_length=LONGEST["param"])
    message = models.CharField(max_length=LONGEST["message"])
    stopped_by = models.CharField(
        max_length=LONGEST["stopped_by"], help_text="The limit; empty where it was none."
    )
    ms = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["caller", "day", "place"], name="refused_of_caller")]

    @override
    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """'req_…', as the answer's `x-request-id` had it."""
        return ids.public(ids.REQUEST, self.id)

    @property
    def at(self) -> datetime:
        """When it came."""
        return ids.made_at(self.id)
