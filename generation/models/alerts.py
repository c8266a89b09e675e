"""Alert rules, their recipients, and the alerts sent. Amounts are micro-USD."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from accounts.models import SubjectOf
from pictor.kit.words import ids
from webhooks.models import WebhookEndpoint


class AlertRule(models.Model):
    """The conditions to alert about, and the recipients. Disabled until a test got through."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    name = models.CharField(max_length=80)
    kinds = ArrayField(
        models.CharField(max_length=32),
        null=True,
        help_text="The kinds of conditions to report. Empty: all, including future kinds.",
    )
    least_micros = models.BigIntegerField(
        null=True, help_text="The least amount at stake; an unknown one counts as 0. Empty: any."
    )
    least_minutes = models.PositiveIntegerField(
        default=0, help_text="Minutes a condition must last before an alert is sent."
    )
    repeat_hours = models.PositiveSmallIntegerField(
        default=0,
        help_text="Hours between repeated alerts while a condition is open; 0: no repeats.",
    )
    mails = ArrayField(models.EmailField(), default=list)
    endpoint = models.OneToOneField(
        WebhookEndpoint, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    page = models.CharField(
        max_length=200,
        blank=True,
        help_text="The address of the operator's console, for links; empty: no links.",
    )
    is_enabled = models.BooleanField(default=False)
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    audited = SubjectOf("alert_rule")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                name="alert_rule_by_name",
                condition=models.Q(archived_at=None),
                violation_error_message="There is a rule of this name already.",
            ),
            models.CheckConstraint(
                condition=models.Q(archived_at=None) | models.Q(is_enabled=False),
                name="alert_rule_is_off_once_archived",
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.name

    @property
    def url(self) -> str:
        """The webhook's address; empty without a webhook."""
        return self.endpoint.url if self.endpoint else ""


class AlertAddress(models.Model):
    """An address outside the staff whose owner has agreed to receive alerts."""

    address = models.EmailField(primary_key=True)
    confirmed_at = models.DateTimeField()

    @override
    def __str__(self) -> str:
        return self.address


class AlertSending(models.Model):
    """One delivery of a rule, or a test of it: one mail to each address, and one event.

    `mail_ids` are in the order of `mails`; the mails themselves are kept for a week. `codes` has,
    by unconfirmed address of a test, the digest of the mailed code and the number of wrong tries.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="sendings")
    at = models.DateTimeField()
    is_test = models.BooleanField(default=False)
    mails = ArrayField(models.EmailField(), default=list)
    mail_ids = ArrayField(models.UUIDField(), default=list)
    codes = models.JSONField(null=True)
    url = models.CharField(max_length=2048, blank=True)
    event_id = models.UUIDField(null=True, help_text="The id of the webhook event.")
    passed = models.IntegerField(
        default=0,
        help_text="Conditions that began and ended while the rule had to wait, unreported.",
    )

    class Meta:
        indexes = [
            models.Index(fields=["rule", "id"], name="alert_sending_by_rule"),
            models.Index(fields=["at"], name="alert_sending_by_time"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.rule_id} at {self.at}"


class AlertSent(models.Model):
    """One condition in a sending, as it was then: once for each occasion of each opening."""

    class Occasion(models.TextChoices):
        FIRED = "fired", "New"
        REPEATED = "repeated", "Still open"
        RESOLVED = "resolved", "Over"

    sending = models.ForeignKey(AlertSending, on_delete=models.CASCADE, related_name="items")
    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="+")
    condition_id = models.BigIntegerField()
    kind = models.CharField(max_length=32)
    object = models.CharField(max_length=200)
    opened_at = models.DateTimeField()
    occasion = models.CharField(max_length=8, choices=Occasion)
    number = models.PositiveIntegerField(
        help_text="The number of earlier alerts for the same occasion."
    )
    words = models.CharField(max_length=300)
    micros = models.BigIntegerField(null=True)
    is_hushed = models.BooleanField(
        default=False, help_text="The condition was silenced or accepted after the alert."
    )
    is_over = models.BooleanField(
        default=False, help_text="The end of the condition has been sent."
    )

    fired: int = 0
    repeated: int = 0
    """The numbers of alerts about its opening, by occasion, from the read of past alerts."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "kind", "object", "opened_at", "occasion", "number"],
                name="alert_sent_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["rule"], name="alert_sent_standing", condition=models.Q(is_over=False)
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.occasion} {self.kind} {self.object}"
