"""What allauth asks of the project: who may sign up, where a caller is, how secrets are kept."""

import logging

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from cryptography.fernet import InvalidToken
from django.http import HttpRequest
from typing_extensions import override

from pictor.kit.encryption import decrypted, encrypted

log = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    """People are made by operators: nobody signs up."""

    @override
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

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
        except InvalidToken:
            log.warning("a second factor's secret was written with an unknown encryption key")
            return str(generate_totp_secret())
