"""Boto's session, signing with what we sign with. Imported with boto3, where that is needed."""

from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.session import Session
from typing_extensions import override

from storage.signing import Signers


class BotoSession(Session):
    """Its clients sign each request with what signs then; no chain of its own is asked."""

    def __init__(self, signers: Signers) -> None:
        super().__init__()
        self._now = _Now(signers)

    @override
    def get_credentials(self) -> Credentials:
        return self._now


class _Now(Credentials):
    def __init__(self, signers: Signers) -> None:
        super().__init__("", "")
        self._signers = signers

    @override
    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        signer = self._signers()
        return ReadOnlyCredentials(signer.access_key, signer.secret_key, signer.token or None)
