"""Consequences of signing in: audit events, a newcomer's workspace, factors in the session.

An event is written in the transaction of its change, so it listens to rows rather than to allauth's
own signals, which are sent afterwards. Modules that only a sign-in needs are imported inside the
functions, because every command runs `connect`.
"""

from typing import TYPE_CHECKING, Any

from allauth.account.signals import email_confirmed, password_changed, password_reset
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_delete, post_save

if TYPE_CHECKING:
    from allauth.account.models import EmailAddress
    from allauth.mfa.models import Authenticator
    from django.http import HttpRequest

    from accounts.models import User

FACTOR = "mfa.Authenticator"


def connect() -> None:
    """Connect the receivers."""
    post_save.connect(_on_factor_saved, sender=FACTOR, dispatch_uid="second-factor-on")
    post_delete.connect(_on_factor_deleted, sender=FACTOR, dispatch_uid="second-factor-off")
    email_confirmed.connect(_on_address_verified, dispatch_uid="address-verified")
    for signal in (password_changed, password_reset):
        signal.connect(_password, dispatch_uid="password-changed")
    user_logged_in.connect(_on_signed_in, dispatch_uid="signed-in")
    user_logged_out.connect(_on_signed_out, dispatch_uid="signed-out")


def _on_factor_saved(instance: "Authenticator", *, created: bool, raw: bool, **_: Any) -> None:
    if not created or raw:
        return
    from allauth.account.internal.flows.login import (  # noqa: PLC0415 - needs models
        record_authentication,
    )
    from allauth.core import context  # noqa: PLC0415 - needs the models

    _record("user.mfa_on", instance)
    request = context.request
    if request is not None and instance.type != instance.Type.RECOVERY_CODES:
        # Its code was typed, or its passkey made, a moment ago: this session has shown the factor.
        facts = {"id": instance.pk, "type": instance.type, "reauthenticated": True}
        record_authentication(request, instance.user, "mfa", **facts)


def _on_factor_deleted(instance: "Authenticator", **_: Any) -> None:
    _record("user.mfa_off", instance)


def _on_address_verified(request: "HttpRequest", email_address: "EmailAddress", **_: Any) -> None:
    from accounts.services.office.welcome import verify_email  # noqa: PLC0415 - needs the models
    from pictor.kit.words import clock  # noqa: PLC0415 - as above

    user: User = email_address.user
    verify_email(user=user, now=clock.now(), ip=request.META.get("REMOTE_ADDR"))


def _on_signed_in(request: "HttpRequest", **_: Any) -> None:
    from accounts.sign_in.seen import BEGUN, note  # noqa: PLC0415 - needs the models
    from accounts.sign_in.sessions import digest_of  # noqa: PLC0415 - as above
    from pictor.kit.words import clock  # noqa: PLC0415 - as above

    request.session[BEGUN] = int(clock.now().timestamp())
    note(request, digest_of(request.session.session_key or ""))


def _on_signed_out(request: "HttpRequest", **_: Any) -> None:
    request.session.is_signed_out = True  # type: ignore[attr-defined]  # of our own store


def _password(request: "HttpRequest", user: "User", **_: Any) -> None:
    from accounts.services import record  # noqa: PLC0415 - needs the models

    record(
        user.audited,
        "user.password",
        actor=user,
        after={"usable": True},
        ip=request.META.get("REMOTE_ADDR"),
    )


def _record(action: str, factor: "Authenticator") -> None:
    from allauth.core import context  # noqa: PLC0415 - needs the models

    from accounts.models import Subject, User  # noqa: PLC0415 - needs the models
    from accounts.services import record  # noqa: PLC0415 - needs the models

    request = context.request
    by = request.user if request is not None and isinstance(request.user, User) else "manage.py"
    record(
        Subject("user", str(factor.user_id)),
        action,
        actor=by,
        after={"factor": factor.type},
        ip=request.META.get("REMOTE_ADDR") if request is not None else None,
    )
