"""What allauth asks of the project: who may sign up, where a caller is, how secrets are kept."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render
from typing_extensions import override

from accounts import rates
from accounts.services import post
from pictor.kit.secrets.encryption import WrongKey, decrypted, encrypted
from pictor.kit.words.errors import RateLimited

CAUSED = frozenset(
    f"account/email/{name}"
    for name in (
        *("email_confirmation", "email_confirmation_signup", "password_reset_code"),
        *("unknown_account", "account_already_exists"),
    )
)
"""Mails that anybody causes who types an address: their number is limited by mailbox."""
INVITED = "invited"
"""In a session: it came by an invitation that is open."""
logger = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    """Mail goes through our outbox; who may sign up is the operator's to say."""

    @override
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """To all where the operator says so; to who follows an invitation in any case."""
        return settings.SIGN_UP or bool(request.session.get(INVITED))

    @override
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Written down with whatever it tells of, and sent by the short-work worker before others.

        Beyond a mailbox's limit nothing is done, whether or not there is an account: a 429.
        """
        if template_prefix in CAUSED:
            self._count(email)
        words = {"email": email, **context}
        message = self.render_mail(template_prefix, email, words)
        html = [body for body, kind in message.alternatives if kind == "text/html"]
        post(
            to=email,
            subject=message.subject,
            text=message.body,
            html=html[0] if html else "",
            goes_first=True,  # somebody waits for it
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
        """Count the password of who is signed in and types it anew.

        Whoever signs in has been counted (forms.py): the library would keep out who is right, for
        what others typed.
        """
        if request.user.is_authenticated:
            super().pre_authenticate(request, **credentials)

    @override
    def add_message(
        self, request: HttpRequest, level: int, *args: Any, message: str | None = None, **more: Any
    ) -> None:
        """After too many wrong codes the library speaks of failed sign-ins, and of later."""
        if message == self.error_messages["too_many_login_attempts"]:
            message = "Too many wrong codes. Begin again, and another one is mailed."
        super().add_message(request, level, *args, message=message, **more)

    @override
    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that web/proxies.py has found already."""
        return request.META.get("REMOTE_ADDR") or "unknown"


class MfaAdapter(DefaultMFAAdapter):
    """Secrets of second factors are in the database as ciphertext only."""

    @override
    def encrypt(self, text: str) -> str:
        return encrypted(text)

    @override
    def decrypt(self, encrypted_text: str) -> str:
        """The secret; one that no code fits where no key of ours opens it."""
        try:
            return decrypted(encrypted_text)
        except WrongKey:
            logger.warning("a second factor's secret was written with an unknown encryption key")
            return str(generate_totp_secret())
