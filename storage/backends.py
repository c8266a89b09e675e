"""The S3 server: one streaming client and one presigning client for the whole process.

boto3 clients are thread-safe and weigh 13 MB for the first; a session per thread would cost that
much for each. Settings are read when a client is first used. Deletes go through django-storages'
default storage, which shares nothing with these clients. Raises:

    StorageFailed
    └── ObjectMissing   there is no such object
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import BucketLocationConstraintType

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 60
MAX_CONNECTIONS = 32
TRIES = 2
"""One repetition covers a kept-alive connection that the server has just closed."""

_making = threading.Lock()
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
_OWNED = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


class StorageFailed(Exception):
    """The S3 server did not do what was asked; trying again is free."""


class ObjectMissing(StorageFailed):
    """There is no such object."""


@contextmanager
def translated() -> Iterator[None]:
    """Boto's errors as StorageFailed; messages name the operation and code, never a secret."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        kind = ObjectMissing if code in _MISSING else StorageFailed
        raise kind(f"{error.operation_name}: {code}") from error
    except (BotoCoreError, OSError) as error:
        raise StorageFailed(f"{type(error).__name__}: {error}") from error


def client() -> "S3Client":
    """The client that moves bytes."""
    return _shared(settings.S3_ENDPOINT_URL)


def presigner() -> "S3Client":
    """Signs urls for the address that clients use: the signature covers the host."""
    return _shared(settings.S3_PUBLIC_ENDPOINT_URL)


def forget_clients() -> None:
    """Make new clients on next use, after settings changed."""
    with _making:
        _client.cache_clear()


def ensure_bucket() -> None:
    """Create the bucket unless it exists. Safe to call from several processes at once."""
    try:
        with translated():
            client().head_bucket(Bucket=settings.S3_BUCKET)
    except ObjectMissing:
        with translated():
            _create_bucket()


def _create_bucket() -> None:
    try:
        if settings.S3_REGION == "us-east-1":  # the one region that must not be named
            client().create_bucket(Bucket=settings.S3_BUCKET)
        else:
            client().create_bucket(
                Bucket=settings.S3_BUCKET,
                CreateBucketConfiguration={
                    "LocationConstraint": cast("BucketLocationConstraintType", settings.S3_REGION)
                },
            )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _OWNED:
            raise


def _shared(endpoint_url: str) -> "S3Client":
    """One client for each address. `cache` alone lets threads that come at once make one each."""
    with _making:
        return _client(endpoint_url)


@cache
def _client(endpoint_url: str) -> "S3Client":
    session = boto3.session.Session(
        aws_access_key_id=settings.S3_ACCESS_KEY_ID,
        aws_secret_access_key=settings.S3_SECRET_ACCESS_KEY,
        region_name=settings.S3_REGION,
    )
    return session.client(
        "s3",
        endpoint_url=endpoint_url or None,
        config=Config(
            # Custom endpoints are signed with SigV2 unless told otherwise.
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            # Newer default checksums are trailers that many S3 servers refuse.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            max_pool_connections=MAX_CONNECTIONS,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            retries={"total_max_attempts": TRIES, "mode": "standard"},
            proxies={},
        ),
    )
