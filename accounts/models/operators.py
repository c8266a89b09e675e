"""Keys of programs that operate this installation, and their calls."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from accounts.models.people import SubjectOf, User
from accounts.models.tenants import MAX_KEY_LIST_ENTRIES
from accounts.validators import validate_ip_range
from pictor.kit.words import ids

_WORD = 100
_IP_RANGE_LENGTH = 43


class OperatorKey(models.Model):
    """The credential of a program at /ops/v1/. Its text is shown once; only a digest is stored.

    It may do what both its permissions and its maker's role allow, and ends when its maker is no
    longer an owner.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    name = models.CharField(max_length=100)
    visible_prefix = models.CharField(max_length=24)
    digest = models.BinaryField(max_length=32, unique=True)
    permissions = ArrayField(models.CharField(max_length=_WORD))
    # Acts that a person confirms with a second factor, each ticked by name.
    acts = ArrayField(models.CharField(max_length=_WORD), default=list, blank=True)
    ip_ranges = ArrayField(
        models.CharField(max_length=_IP_RANGE_LENGTH, validators=[validate_ip_range]),
        size=MAX_KEY_LIST_ENTRIES,
        default=list,
        blank=True,
    )
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    audited = SubjectOf("operator_key")

    @override
    def __str__(self) -> str:
        return self.name

    def has_ended(self, now: datetime) -> bool:
        """True if it is revoked, expired, or its maker is no longer an owner who may sign in."""
        maker = self.made_by
        is_owners = maker.is_active and maker.staff_role == User.StaffRole.OWNER
        is_over = self.revoked_at is not None and self.revoked_at <= now
        return is_over or self.expires_at <= now or not is_owners


class OperatorCall(models.Model):
    """An act that a key was shown the effect of; its id is the token that does it, once.

    It holds digests of the fields and of the effect, and the first answer, but no field.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    key = models.ForeignKey(OperatorKey, on_delete=models.CASCADE, related_name="+")
    act = models.CharField(max_length=_WORD)
    fields_digest = models.BinaryField(max_length=32)
    seen = models.CharField(max_length=16)
    shown_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True)
    answer = models.JSONField(null=True)

    @override
    def __str__(self) -> str:
        return f"{self.act} of {self.shown_at}"
