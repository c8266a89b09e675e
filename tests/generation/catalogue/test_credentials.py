"""Credentials at rest."""

import pytest
from cryptography.fernet import Fernet

from generation.catalogue.credentials import decrypted, encrypted
from pictor.kit.secrets.encryption import WrongKey


def test_a_credential_is_stored_encrypted_and_read_back(settings):
    stored = encrypted("sk-upstream")

    assert "sk-upstream" not in stored
    assert decrypted(stored) == "sk-upstream"
    assert (encrypted(""), decrypted("")) == ("", "")


def test_the_newest_key_encrypts_and_older_ones_still_decrypt(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [old]
    stored = encrypted("sk-upstream")

    settings.ENCRYPTION_KEYS = [new, old]
    assert decrypted(stored) == "sk-upstream"
    again = encrypted("sk-upstream")

    settings.ENCRYPTION_KEYS = [new]
    assert decrypted(again) == "sk-upstream"
    with pytest.raises(WrongKey):
        decrypted(stored)
