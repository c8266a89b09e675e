"""Tenants, their members and their API keys.

A limit that is null is unlimited. Amounts are micro-USD.
"""

from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Lower, Now
from typing_extensions import override

from accounts.models.people import Subject, SubjectOf, User
from accounts.validators import validate_ip_range, validate_time_zone
from pictor.kit.words import ids

SCOPES = ("images:write", "images:read", "billing:read", "webhooks:write", "keys:write")
"""Every scope that a key can have."""

MANAGES_KEYS = "keys:write"
"""Given only by name, because a key with it can make further keys."""

MAX_KEY_LIST_ENTRIES = 100
"""The most entries in each of a key's lists: every request is checked against them."""
_IP_RANGE_LENGTH = 43


def default_scopes() -> list[str]:
    """Every scope except `keys:write`, which is given only on purpose."""
    return [scope for scope in SCOPES if scope != MANAGES_KEYS]


def default_prompt_retention() -> int:
    """The number of days for which a new tenant's prompts are kept by default."""
    return int(settings.PROMPT_RETENTION_DAYS)


def _limit(help_text: str, **options: Any) -> Any:
    """A positive whole-number limit; null is unlimited."""
    return models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text=help_text, **options
    )


def _budget(help_text: str, **options: Any) -> Any:
    """The most that may be spent in a window; null is unlimited."""
    return models.BigIntegerField(
        null=True, blank=True, validators=[MinValueValidator(0)], help_text=help_text, **options
    )


class Tenant(models.Model):
    """The paying customer."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    name = models.CharField(max_length=100, unique=True, help_text="The name shown to operators.")
    title = models.CharField(
        max_length=100,
        blank=True,
        help_text="The name shown to its members; no other tenant sees it.",
    )
    status = models.CharField(max_length=9, choices=Status, default=Status.ACTIVE)
    requests_per_minute = _limit("Over all keys. Empty: unlimited.")
    images_per_minute = _limit("Over all keys. Empty: unlimited.")
    max_in_flight = _limit("Requests under way at once, over all keys. Empty: unlimited.")
    # The workspace's own limits: of each pair the lower one counts.
    own_requests_per_minute = _limit("Empty: unlimited.", editable=False)
    own_images_per_minute = _limit("Empty: unlimited.", editable=False)
    own_max_in_flight = _limit("Empty: unlimited.", editable=False)
    own_models = ArrayField(
        models.CharField(max_length=100),
        size=MAX_KEY_LIST_ENTRIES,
        null=True,
        blank=True,
        editable=False,
        help_text="The models its keys may use. Empty: every model.",
    )
    budget_day_micros = _budget("Micro-USD a UTC day, over all keys.", editable=False)
    budget_month_micros = _budget("Micro-USD a UTC month, over all keys.", editable=False)
    uncharged_ceiling_micros = _budget(
        "Micro-USD of uncharged cost it may cause in a UTC day. Empty: the general ceiling.",
        editable=False,
    )
    uncharged_until = models.DateTimeField(
        null=True,
        editable=False,
        help_text="Until then it can order no images: the ceiling is reached.",
    )
    image_retention_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        editable=False,
        help_text="Days until images are deleted. 0: within two hours. Empty: the general period.",
    )
    prompt_retention_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        default=default_prompt_retention,
        help_text="Days until prompts and everything sent with them are erased. 0: within two"
        " hours. Empty: kept.",
    )
    stored_bytes = models.BigIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="The bytes of its stored images, counted each hour.",
    )
    # Set if the last count found too many bytes; while it is set no image is made.
    storage_full_at = models.DateTimeField(null=True, editable=False)
    time_zone = models.CharField(
        max_length=40,
        blank=True,
        default="UTC",
        db_default="UTC",
        validators=[validate_time_zone],
        help_text="The time zone of the days in its reports, such as Europe/Berlin. Empty: UTC.",
    )
    is_ours = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="The operator's own: staff may make staff its members.",
    )
    requires_second_factor = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Members need a second factor to see it.",
    )
    allows_support = models.BooleanField(
        default=True,
        db_default=True,
        editable=False,
        help_text="Our support may view it, read-only, for half an hour at a time.",
    )
    shows_support_content = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Support sees its prompts, tags and images.",
    )
    may_omit_marks = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="It may choose that its images say nothing of how they were made.",
    )
    omits_marks = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="It has chosen so; holds while it may.",
    )
    erasure_due_at = models.DateTimeField(
        null=True, editable=False, help_text="When it is erased, or its erasure is tried again."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    members = models.ManyToManyField(User, through="Membership", related_name="tenants")

    public_id = ids.PublicId(ids.TENANT)

    @override
    def __str__(self) -> str:
        return self.name

    @property
    def audited(self) -> Subject:
        """The subject of audit events about this tenant."""
        return Subject("tenant", self.public_id, self.id)

    @property
    def nameless(self) -> str:
        """The tenant's name once it is erased."""
        return f"erased {self.public_id}"

    @property
    def has_ended(self) -> bool:
        """True if the tenant is erased or being erased: it cannot be resumed."""
        return self.erasure_due_at is not None or self.name == self.nameless

    @property
    def shown_name(self) -> str:
        """The name its members see."""
        return self.title or self.name

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of its reports."""
        return ZoneInfo(self.time_zone)


class Membership(models.Model):
    """A person's role in a tenant."""

    class Role(models.TextChoices):
        OWNER = "owner"
        ADMIN = "admin"
        DEVELOPER = "developer"
        BILLING = "billing"
        VIEWER = "viewer"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=9, choices=Role, default=Role.DEVELOPER)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    hides_start = models.BooleanField(default=False, db_default=False, editable=False)
    """Whether they dismissed the first steps."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "tenant"], name="one_membership_per_tenant")
        ]

    @override
    def __str__(self) -> str:
        return f"{self.user} is {self.get_role_display().lower()} of {self.tenant}"


ADMIN_ROLES = frozenset({Membership.Role.OWNER, Membership.Role.ADMIN})
BILLING_CONTACT_ROLES = ADMIN_ROLES | {Membership.Role.BILLING}
"""Members with one of these get mail about a low balance and about a suspension."""


class Invitation(models.Model):
    """A role in a tenant offered to the owner of an address; cancelling deletes it."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=9, choices=Membership.Role)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # Sent by staff, who need not be a member.
    is_of_staff = models.BooleanField(default=False, db_default=False, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()

    audited = SubjectOf("invitation")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "email"], name="one_invitation_per_address"),
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="invited_email_is_lower_case"
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.email} may become {self.get_role_display().lower()} of {self.tenant}"


class MemberChange(models.Model):
    """A change of a tenant's people that staff asked for; once made, refused or withdrawn it goes.

    It is made at `takes_effect_at`, which a second person's approval sets, or when an owner agrees.
    `before` is empty for somebody who is no member, `role` for somebody who is to be none. If both
    are, an open invitation is to be canceled.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, db_index=False, related_name="member_changes"
    )
    email = models.EmailField()
    before = models.CharField(max_length=9, choices=Membership.Role, blank=True)
    role = models.CharField(max_length=9, choices=Membership.Role, blank=True)
    # The member who gets the keys of one who is removed; they are revoked without one.
    heir = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    # The address under which it was asked for, for links in mails.
    site = models.CharField(max_length=200)
    asked_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    asked_at = models.DateTimeField()
    approved_by = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    takes_effect_at = models.DateTimeField(null=True)

    audited = SubjectOf("member_change")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "email"], name="one_change_per_address")
        ]

    @override
    def __str__(self) -> str:
        if not self.before:
            return f"Invite {self.email} as {self.role}" if self.role else f"Uninvite {self.email}"
        if self.role:
            return f"{self.email}: {self.before} → {self.role}"
        keys = f"go to {self.heir}" if self.heir else "are revoked"
        return f"Remove {self.email} ({self.before}); the keys they made {keys}"


class ApiKey(models.Model):
    """A tenant's credential. The key's text is shown once and never stored, only its digest."""

    class ResponseFormat(models.TextChoices):
        CONTRACT = "", "the model's default"
        URL = "url"
        B64_JSON = "b64_json"

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=100, blank=True)
    visible_prefix = models.CharField(max_length=24, editable=False)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    # The key's former text after a rotation; it works until `previous_until`.
    previous_digest = models.BinaryField(max_length=32, unique=True, null=True, editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    previous_used_at = models.DateTimeField(null=True, editable=False)
    is_test = models.BooleanField(default=False)
    scopes = ArrayField(
        models.CharField(max_length=20, choices=[(scope, scope) for scope in SCOPES]),
        default=default_scopes,
    )
    allowed_models = ArrayField(
        models.CharField(max_length=100),
        size=MAX_KEY_LIST_ENTRIES,
        null=True,
        blank=True,
        help_text="Model names, separated by commas. Empty: every model.",
    )
    ip_ranges = ArrayField(
        models.CharField(max_length=_IP_RANGE_LENGTH, validators=[validate_ip_range]),
        size=MAX_KEY_LIST_ENTRIES,
        null=True,
        blank=True,
        help_text="Addresses or networks this key may be used from. Empty: anywhere.",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    requests_per_minute = _limit("Empty: unlimited.")
    images_per_minute = _limit("Empty: unlimited.")
    max_in_flight = _limit("Requests under way at once. Empty: unlimited.")
    budget_day_micros = _budget("Micro-USD a UTC day.")
    budget_month_micros = _budget("Micro-USD a UTC month.")
    budget_warns_only = models.BooleanField(
        default=False,
        db_default=False,
        help_text="An exceeded budget sends a mail and stops no requests.",
    )
    default_response_format = models.CharField(
        max_length=8, choices=ResponseFormat, default=ResponseFormat.CONTRACT, blank=True
    )
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    # Another person who set its limits: the maker may then only lower them.
    limited_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    # Made by staff: it has no text until an owner opens it, and a digest that no text has.
    waits_for_owner = models.BooleanField(default=False, db_default=False, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    public_id = ids.PublicId(ids.KEY)
    audited = SubjectOf("api_key")

    class Meta:
        verbose_name = "API key"

    @override
    def __str__(self) -> str:
        return f"{self.visible_prefix}… {self.name}".rstrip()

    def status(self, now: datetime) -> Literal["active", "unopened", "expired", "revoked"]:
        """The key's status at that time; revoked wins over expired, which wins over unopened."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "unopened" if self.waits_for_owner else "active"

    def has_ended(self, now: datetime) -> bool:
        """True if the key is revoked or expired at that time."""
        return self.status(now) in {"revoked", "expired"}
