"""Credentials from botocore's chain, renewed by a thread of ours before they end.

Botocore searches the usual places: the environment, a web identity, a shared file, the container,
the instance. Its own renewal is not used: it delays some request, and goes on using an instance's
credentials after their end. This module is imported only if the chain is configured: botocore costs
a process 6 to 13 MB (docs/adr/0037).
"""

import atexit
import logging
import math
import threading
from datetime import datetime

from botocore.session import Session
from botocore.utils import InstanceMetadataFetcher
from prometheus_client import Gauge

from pictor.kit.running import vital
from pictor.kit.words import clock
from storage.signing import Signer
from storage.wire import StorageFailed

logger = logging.getLogger(__name__)

EXPIRE = Gauge(
    "pictor_s3_credentials_expire_seconds", "How long the credentials for S3 are still good."
)

RENEWED_AT = 2 / 3
"""The share of their lifetime after which credentials are renewed."""
LOOK_SECONDS = 60.0
"""The interval for re-reading credentials without an end: a shared file may change."""
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
"""Pauses between attempts to renew; each is twice the one before, within these bounds."""


class Chain:
    """The current signer, for all threads. Only the first call waits for credentials."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._signer: Signer | None = None  # always replaced as a whole
        self._beginning = threading.Lock()
        self._is_over = threading.Event()
        EXPIRE.set_function(self._seconds_left)
        atexit.register(self.end)

    def signer(self) -> Signer:
        """Return the signer for one request or url. Raises StorageFailed without credentials."""
        signer = self._signer or self._first()
        if signer.seconds_left(clock.now()) <= 0:
            raise StorageFailed(f"the credentials ended at {signer.expires_at}")
        return signer

    def end(self) -> None:
        """Stop renewing."""
        self._is_over.set()

    def _first(self) -> Signer:
        with self._beginning:
            if self._signer is None:  # another thread may have searched meanwhile
                self._signer = _search_chain(self._region)
                vital.start_thread("s3-credentials", self._renew, is_over=self._is_over.is_set)
            return self._signer

    def _renew(self) -> None:
        pause, failures = self._until_renewal(), 0
        while not self._is_over.wait(pause):
            try:
                self._signer = _search_chain(self._region)
            except StorageFailed as error:
                left = self._seconds_left()
                logger.warning("S3 credentials, good for %.0f s, are not renewed: %s", left, error)
                pause = min(FIRST_PAUSE_SECONDS * 2**failures, LONGEST_PAUSE_SECONDS)
                failures += 1
            else:
                pause, failures = self._until_renewal(), 0

    def _until_renewal(self) -> float:
        left = self._seconds_left()
        if math.isinf(left):
            return LOOK_SECONDS
        return max(left * RENEWED_AT, FIRST_PAUSE_SECONDS)

    def _seconds_left(self) -> float:
        signer = self._signer
        return 0.0 if signer is None else max(0.0, signer.seconds_left(clock.now()))


def _search_chain(region: str) -> Signer:
    """Search the chain from its beginning. Raises StorageFailed."""
    try:
        credentials = (
            Session().get_credentials()
        )  # a new one: a session keeps the first that it finds
        keys = credentials and credentials.get_frozen_credentials()
    except Exception as error:  # each source raises errors of its own
        raise StorageFailed(f"{type(error).__name__}: {error}") from error
    if not (keys and keys.access_key and keys.secret_key):
        raise StorageFailed("botocore's chain finds no credentials")
    # Only credentials that botocore itself would renew have an end.
    ends: datetime | None = getattr(credentials, "_expiry_time", None)
    return Signer(keys.access_key, keys.secret_key, region, keys.token or "", ends)


def _keep_reported_end(_fetcher: InstanceMetadataFetcher, _credentials: dict[str, str]) -> None:
    """Keep the end of an instance's credentials as reported; botocore would postpone it."""


InstanceMetadataFetcher._evaluate_expiration = _keep_reported_end  # type: ignore[attr-defined] # noqa: SLF001 - there is no setting for it
