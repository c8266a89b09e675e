"""Signature version 4 for S3: in a request's headers, or in a url's query. Pure.

The signing key is derived from the secret once a day and kept, so a signature is two digests. Paths
come encoded.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
"""

import hashlib
import hmac
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_BODY = "UNSIGNED-PAYLOAD"
"""The body digest in a url, as its request does not exist yet."""


@dataclass(frozen=True)
class Signer:
    """Signs with one key pair, in one region."""

    access_key: str
    secret_key: str = field(repr=False)
    region: str
    token: str = field(default="", repr=False)
    """The session token of temporary credentials."""
    expires_at: datetime | None = None
    """The end of the credentials, and of every url signed with them."""

    def seconds_left(self, now: datetime) -> float:
        """The seconds until the credentials end; infinite without an end."""
        return math.inf if self.expires_at is None else (self.expires_at - now).total_seconds()

    def headers(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        body_sha256: str,
        now: datetime,
    ) -> dict[str, str]:
        """Return the headers with those that sign the request.

        Args:
            method: GET, PUT, …
            path: the url's path; it has no query.
            headers: in lower case, including `host`; all are signed.
            body_sha256: hex digest of the body.
            now: the server accepts a difference of some minutes.
        """
        at = _stamp(now)
        signed = {**headers, "x-amz-content-sha256": body_sha256, "x-amz-date": at}
        if self.token:
            signed["x-amz-security-token"] = self.token
        names = ";".join(sorted(signed))
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        request = "\n".join([method, path, "", lines, names, body_sha256])
        signature = self._signature(request, at)
        return {
            **signed,
            "authorization": f"{ALGORITHM} Credential={self._credential(at)},"
            f" SignedHeaders={names}, Signature={signature}",
        }

    def query(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str],
        *,
        host: str,
        expires_seconds: int,
        now: datetime,
    ) -> str:
        """The query of a url that works without credentials until it expires; all is signed."""
        at = _stamp(now)
        signing = {
            **parameters,
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": self._credential(at),
            "X-Amz-Date": at,
            "X-Amz-Expires": str(expires_seconds),
            "X-Amz-SignedHeaders": "host",
        }
        if self.token:
            signing["X-Amz-Security-Token"] = self.token
        pairs = [_pair(name, value) for name, value in signing.items()]
        request = "\n".join(
            [method, path, "&".join(sorted(pairs)), f"host:{host}\n", "host", UNSIGNED_BODY]
        )
        return "&".join([*pairs, f"X-Amz-Signature={self._signature(request, at)}"])

    def _credential(self, at: str) -> str:
        return f"{self.access_key}/{self._scope(at)}"

    def _scope(self, at: str) -> str:
        return f"{at[:8]}/{self.region}/s3/aws4_request"

    def _signature(self, request: str, at: str) -> str:
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = "\n".join([ALGORITHM, at, self._scope(at), digest])
        return _mac(_key_of_day(self.secret_key, at[:8], self.region), text).hex()


Signers = Callable[[], Signer]
"""Returns the current signer: called for each request and url, since credentials may be renewed."""


def percent_encode(text: str, *, also: str = "") -> str:
    """Percent-encode as Amazon does: all except letters, digits, `-_.~` and those in `also`."""
    return quote(text, safe=f"-_.~{also}")


@lru_cache(maxsize=64)
def _pair(name: str, value: str) -> str:
    """A query's encoded parameter, cached: nearly all are those of the url before."""
    return f"{percent_encode(name)}={percent_encode(value)}"


def _stamp(now: datetime) -> str:
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"


@lru_cache(maxsize=8)
def _key_of_day(secret_key: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = _mac(key, part)
    return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
