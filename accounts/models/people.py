"""People and their mail."""

import json
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower, Now
from typing_extensions import override

from pictor.kit.secrets.encryption import decrypted, encrypted
from pictor.kit.words import ids


class Subject(NamedTuple):
    """The object of an audit event, and the tenant it belongs to."""

    type: str
    id: str
    tenant_id: UUID | None = None


class SubjectOf:
    """The subject of a row's audit events: its public id, if it has one, and its tenant, if any."""

    def __init__(self, object_type: str) -> None:
        self._type = object_type

    def __get__(self, row: Any, owner: object = None) -> Subject:
        object_id = getattr(row, "public_id", None) or str(row.pk)
        return Subject(self._type, object_id, getattr(row, "tenant_id", None))


class UserManager(BaseUserManager["User"]):
    """Creates users; e-mail addresses are kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user who signs in with this address, once they have a password."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create staff in the role of an owner, who may do everything."""
        fields = {**fields, "is_staff": True, "is_superuser": True}
        return self.create_user(email, password, staff_role=User.StaffRole.OWNER, **fields)

    @override
    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user at sign-in; the address may be in any case."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by e-mail address."""

    class StaffRole(models.TextChoices):
        """A role among staff; console/ops/access.py defines the permissions."""

        SUPPORT = "support"
        FINANCE = "finance"
        OPERATOR = "operator"
        OWNER = "owner"

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    staff_role = models.CharField(
        max_length=10, choices=StaffRole.choices, blank=True, db_default="", default=""
    )
    """Empty for people who are not staff."""
    staff_seen_at = models.DateTimeField(null=True, editable=False)
    """The time they last opened a page for staff, to the minute."""
    is_staff = models.BooleanField(default=False)
    """True only for owners, with `is_superuser`: the admin of the release before reads both."""
    is_active = models.BooleanField(default=True)
    email_verified_at = models.DateTimeField(null=True, blank=True)
    terms_version = models.CharField(max_length=20, blank=True, editable=False)
    date_joined = models.DateTimeField(db_default=Now(), editable=False)
    sessions_ended = models.IntegerField(default=0, db_default=0, editable=False)
    """The number of times all their sessions were ended."""

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    audited = SubjectOf("user")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="user_email_is_lower_case"
            )
        ]

    @override
    def __str__(self) -> str:
        return self.email

    @property
    def keeps_factor(self) -> bool:
        """True for staff who need a second factor: they replace their last one."""
        return settings.STAFF_MFA and bool(self.staff_role)

    @override
    def get_session_auth_hash(self) -> str:
        """The value a session must match; it changes with the password and `sessions_ended`."""
        return f"{super().get_session_auth_hash()}:{self.sessions_ended}"

    @classmethod
    @override
    def normalize_username(cls, username: str) -> str:
        """The address as every form stores it: stripped, in lower case."""
        return super().normalize_username(username).strip().lower()


class OpenSession(models.Model):
    """A session of a signed-in person, shown to them on their account page.

    Its key is that of the session's own row: a digest, which opens nothing.
    """

    digest = models.CharField(max_length=40, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="open_sessions")
    network = models.CharField(max_length=50)
    browser = models.CharField(max_length=40)
    begun_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    """The time of the latest page, to the minute."""

    @override
    def __str__(self) -> str:
        return f"{self.browser} on {self.network}"


Actor = User | str
"""The actor of a change: a signed-in person, or the name of a program (`"manage.py"`)."""


class Mail(models.Model):
    """An e-mail: written in the transaction it is about, sent by the short-work worker.

    Its contents are encrypted, because they include codes, and deleted once it is sent; the mailbox
    of the embedded default keeps them. Reading them raises WrongKey if no key opens them.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    to = models.EmailField()
    contents = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"], name="mail_to_send", condition=models.Q(sent_at__isnull=True)
            )
        ]

    @override
    def __str__(self) -> str:
        return f"mail to {self.to}"

    @staticmethod
    def sealed(*, subject: str, text: str, html: str) -> str:
        """The encrypted value for `contents`."""
        return encrypted(json.dumps([subject, text, html]))

    @property
    def subject(self) -> str:
        """One line; like `text` and `html`, empty once the contents are deleted."""
        return self._words()[0]

    @property
    def text(self) -> str:
        """The plain-text body."""
        return self._words()[1]

    @property
    def html(self) -> str:
        """The HTML body; empty if there is none."""
        return self._words()[2]

    def _words(self) -> tuple[str, str, str]:
        if not self.contents:
            return "", "", ""
        subject, text, html = json.loads(decrypted(self.contents))
        return subject, text, html
