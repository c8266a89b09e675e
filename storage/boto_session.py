"""Boto's session, with our credentials. Imported together with boto3, on first use."""

from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.session import Session
from typing_extensions import override

from storage.signing import Signers


class BotoSession(Session):
    """A session whose clients sign each request with our current signer, not boto's chain."""

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
