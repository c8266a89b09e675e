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
    routes = models.JSONField(help_text="A list of RouteTerms: every model that it is to serve.")
    tested = models.JSONField(
        default=dict, help_text="Digests of routes that are approved, by model."
    )
    base = models.CharField(
        max_length=64, help_text="A digest of the channel as it was when this was begun."
    )
    changed_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now())

    @override
    def __str__(self) -> str:
        return f"pending revision of {self.channel_id}"
