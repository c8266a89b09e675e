"""News for customers: incidents and planned maintenance. All of it is public except `by`."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from typing_extensions import override

from accounts.models import SubjectOf


class Incident(models.Model):
    """Something that is wrong, or maintenance that begins and ends by its times."""

    class State(models.TextChoices):
        """The last three are for maintenance and follow from its times."""

        INVESTIGATING = "investigating", "Investigating"
        IDENTIFIED = "identified", "Identified"
        MONITORING = "monitoring", "Monitoring"
        RESOLVED = "resolved", "Resolved"
        SCHEDULED = "scheduled", "Scheduled"
        IN_PROGRESS = "in_progress", "In progress"
        COMPLETED = "completed", "Completed"

    title = models.CharField(max_length=120)
    parts = ArrayField(
        models.CharField(max_length=64),
        help_text="The affected parts, named as on the status page.",
    )
    is_maintenance = models.BooleanField()
    state = models.CharField(max_length=16, choices=State)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField(
        null=True, help_text="When it was resolved; for maintenance, the planned end."
    )
    next_update_at = models.DateTimeField(null=True)

    audited = SubjectOf("incident")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at=None) | models.Q(ends_at__gte=models.F("begins_at")),
                name="incident_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=models.Q(is_maintenance=False) | models.Q(ends_at__isnull=False),
                name="maintenance_has_an_end",
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.title

    def state_at(self, now: datetime) -> "Incident.State":
        """The state at `now`: the last one published or, for maintenance, by its times."""
        if not self.is_maintenance:
            return Incident.State(self.state)
        if now < self.begins_at:
            return Incident.State.SCHEDULED
        is_over = self.ends_at is not None and now >= self.ends_at
        return Incident.State.COMPLETED if is_over else Incident.State.IN_PROGRESS

    def is_open(self, now: datetime) -> bool:
        """True if it has not ended; one without an end is open."""
        return self.ends_at is None or now < self.ends_at


class IncidentUpdate(models.Model):
    """One published update; `once` is the id of the submitted form, which publishes only once."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="updates")
    at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=Incident.State)
    words = models.TextField()
    edited_at = models.DateTimeField(null=True)
    by = models.CharField(max_length=254)
    mailed = models.IntegerField(default=0, db_default=0, help_text="The number of owners mailed.")
    once = models.UUIDField(unique=True)

    class Meta:
        ordering = ["-at", "-id"]

    @override
    def __str__(self) -> str:
        return f"{self.incident_id} at {self.at:%Y-%m-%d %H:%M}"
