"""The project's answers to allauth: who may sign up, the caller's address, how secrets are kept."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse
from typing_extensions import override

from accounts import rates
from accounts.services.office.mail import html_of, post
from pictor.kit.secrets.encryption import WrongKey, decrypted, encrypted
from pictor.kit.words.errors import RateLimited

CAUSED = frozenset(
    f"account/email/{name}"
    for name in (
        *("email_confirmation", "email_confirmation_signup", "password_reset_code"),
        *("unknown_account", "account_already_exists", "address_code"),
        "address_change",
    )
)
"""Mails that a stranger causes by typing an address: their number is limited by mailbox."""
INVITED = "invited"
"""A session's mark: the person came by an open invitation."""
logger = logging.getLogger(__name__)


MAX_EMAIL_CHARS = 254


class AccountAdapter(DefaultAccountAdapter):
    """Sends mail through our outbox, and lets the operator decide who may sign up."""

    @override
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """True if sign-up is open to all, or this session came by an invitation."""
        return settings.SIGN_UP or bool(request.session.get(INVITED))

    @override
    def clean_email(self, email: str) -> str:
        """The address as typed. Raises ValidationError for one that no column holds."""
        if len(email) > MAX_EMAIL_CHARS:
            raise ValidationError(f"An address has at most {MAX_EMAIL_CHARS} characters.")
        return email

    @override
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write the mail in its cause's transaction; the short-work worker sends it before others.

        Above a mailbox's limit the answer is a 429, whether or not an account exists.
        """
        if template_prefix in CAUSED:
            self._count(email)
        words = {"email": email, **context}
        message = self.render_mail(template_prefix, email, words)
        post(
            to=email,
            subject=message.subject,
            text=message.body,
            html=html_of(message.body, template_prefix, words),
            goes_first=True,  # a person waits for it
        )

    def _count(self, email: str) -> None:
        try:
            rates.take_mail(email)
        except RateLimited as error:
            transaction.set_rollback(True)
            words = {"are_mails": True, "seconds": error.retry_after}
            answer = render(self.request, "429.html", words, status=error.status)
            answer["Retry-After"] = str(error.retry_after)
            raise ImmediateHttpResponse(answer) from None

    @override
    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the password of a signed-in person who types it again.

        A person who signs in has been counted already (forms.py): the library would lock out the
        right person because of a stranger's attempts.
        """
        if request.user.is_authenticated:
            super().pre_authenticate(request, **credentials)

    @override
    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """Write only the password: the row may have lost its role since it was read."""
        user.set_password(password)
        user.save(update_fields=["password"])

    @override
    def add_message(
        self, request: HttpRequest, level: int, *args: Any, message: str | None = None, **more: Any
    ) -> None:
        """Replace the library's words after too many wrong codes: they speak of failed sign-ins."""
        if message == self.error_messages["too_many_login_attempts"]:
            message = "Too many wrong codes. Start again to get a new one by mail."
        super().add_message(request, level, *args, message=message, **more)

    @override
    def get_reauthentication_methods(self, user: Any) -> list[dict[str, str]]:
        """The pages that ask again who it is: one for the password, one for any second factor."""
        pages = {"reauthenticate": "account_reauthenticate"}
        names = [flow["id"] for flow in get_reauthentication_flows(user)]
        return [
            {"id": name, "description": name, "url": reverse(pages.get(name, name))}
            for name in names
        ]

    @override
    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that web/proxies.py has found."""
        return request.META.get("REMOTE_ADDR") or "unknown"


class MfaAdapter(DefaultMFAAdapter):
    """Keeps the secrets of second factors in the database only as ciphertext."""

    @override
    def encrypt(self, text: str) -> str:
        return encrypted(text)

    @override
    def generate_authenticator_name(self, *_: object) -> str:
        """The name of a passkey whose person gave it none."""
        return "Passkey"

    @override
    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret; if no key of ours opens it, a random one that no code fits."""
        try:
            return decrypted(encrypted_text)
        except WrongKey:
            logger.warning("a second factor's secret was written with an unknown encryption key")
            return str(generate_totp_secret())
