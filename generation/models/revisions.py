"""A planned change of a serving channel, which takes effect once it has been tested."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from generation.models.offer import Channel, Serves


class PendingRevision(models.Model):
    """Everything a call to the channel depends on after the change, beside the present values.

    It is not part of the configuration: no process loads it, and it raises no revision.
    """

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, related_name="pending")
    kind = models.CharField(max_length=32)
    base_url = models.CharField(max_length=500)
    credentials = models.TextField(help_text="The API key, encrypted.")
    serves = models.CharField(max_length=4, choices=Serves)
    sizes = ArrayField(models.CharField(max_length=16), null=True, blank=True)
    settings = models.JSONField(null=True, blank=True)
    routes = models.JSONField(
        help_text="A list of RouteTerms, one for each model that it will serve."
    )
    tested = models.JSONField(
        default=dict, help_text="For each model with an approved route, the route's digest."
    )
    base = models.CharField(
        max_length=64, help_text="A digest of the channel at the start of this revision."
    )
    changed_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now())

    @override
    def __str__(self) -> str:
        return f"pending revision of {self.channel_id}"
