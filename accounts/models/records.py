"""Records of changes, sign-up credits and support views, and the configuration's revision."""

from datetime import datetime

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from accounts.models.people import SubjectOf, User
from accounts.models.tenants import Tenant
from pictor.kit.words import ids

_OF_WORDS = ("varchar_pattern_ops", "timestamptz_ops")
"""Operator classes for an index that also finds words by prefix."""


class AuditEvent(models.Model):
    """A change: its actor, IP address, and values before and after. Append-only; never a secret.

    A trigger refuses any other write. Its seal (accounts/audit_seals.py) shows that we wrote it;
    events from before the chain have none.
    """

    append_only = True

    actor = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor_name = models.CharField(max_length=254)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=60)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    at = models.DateTimeField(db_default=Now(), editable=False)
    seal = models.BinaryField(max_length=32, null=True, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-at"], name="audit_by_tenant"),
            models.Index(fields=["object_type", "object_id"], name="audit_by_object"),
            models.Index(fields=["object_id", "-at"], name="audit_by_object_id"),
            models.Index(fields=["-at"], name="audit_by_time"),
            models.Index(fields=["action", "-at"], name="audit_by_action", opclasses=_OF_WORDS),
            models.Index(fields=["actor_name", "-at"], name="audit_by_actor", opclasses=_OF_WORDS),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.object_type} {self.object_id}"


BY_STAFF = " (staff)"
"""The end of the actor's name in a tenant's event where one of our people acted as staff."""
STAFFS_NOTE = "staff.note"
"""The action of an event that holds staff's note about a change."""


class AuditLink(models.Model):
    """An audit event's place in the chain over all of them, numbered from 1. Append-only.

    Written after the event is committed, so that no transaction waits for the chain's lock.
    """

    append_only = True

    seq = models.BigIntegerField(primary_key=True)
    # Without a constraint: the chain itself shows that an event is gone.
    event = models.OneToOneField(
        AuditEvent, on_delete=models.PROTECT, db_constraint=False, related_name="link"
    )
    seal = models.BinaryField(max_length=32, editable=False)

    @override
    def __str__(self) -> str:
        return f"{self.seq}: {self.event_id}"


class SignUpCredit(models.Model):
    """A workspace opened by signing up: whether it got the credit, and if not, why.

    Mailbox and network (`pictor.kit.words.client_addresses`) are digests under the pepper of API
    keys.
    """

    class Withheld(models.TextChoices):
        NOT = ""
        MAILBOX = "mailbox"
        NETWORK = "network"
        CEILING = "ceiling"

    mailbox = models.BinaryField(max_length=32)
    network = models.BinaryField(max_length=32)
    amount_micros = models.BigIntegerField()
    withheld = models.CharField(max_length=7, choices=Withheld, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox"], name="one_credit_a_mailbox", condition=models.Q(withheld="")
            )
        ]
        indexes = [models.Index(fields=["at"], name="sign_up_credit_by_time")]

    @override
    def __str__(self) -> str:
        return f"{self.at}: {self.withheld or 'given'}"


class SupportGrant(models.Model):
    """Permission for one of our people to view a tenant, read-only, until it ends.

    It belongs to one session, which knows its id. A row changes only when it is ended early.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=200)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    public_id = ids.PublicId(ids.SUPPORT_GRANT)
    audited = SubjectOf("support_grant")

    class Meta:
        indexes = [models.Index(fields=["tenant", "-opened_at"], name="support_grants_of_tenant")]

    @override
    def __str__(self) -> str:
        return f"{self.user} in {self.tenant} until {self.ends_at}"

    @property
    def ends_at(self) -> datetime:
        """The time it was ended, or else expires."""
        return self.ended_at or self.expires_at


class ConfigRevision(models.Model):
    """One row, changed whenever configuration changes, so a process can see its copy is stale.

    Statement triggers on the configuration tables call `pictor_bump_revision()`. The number is
    from a sequence: it never comes back, not even after a rollback or in a test. Compare with `!=`.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    revision = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="config_revision_is_one_row")
        ]

    @override
    def __str__(self) -> str:
        return str(self.revision)
