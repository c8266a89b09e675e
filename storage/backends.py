"""The private bucket on the S3 server, as Django's default storage. Everything goes through it.

`save` is one streamed request, `open` reads chunks forwards, `url` signs and asks nobody, and
objects are removed up to a thousand at a time: memory stays flat whatever the size of an object.
All threads share one boto3 client for each address; a session per thread, as S3Storage has it,
would cost some 16 MB for each. Raises:

    StorageFailed
    └── ObjectMissing   there is no such object
"""

import base64
import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Self, cast

import boto3
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files import File
from django.core.files.storage import default_storage
from storages.backends.s3 import S3Storage  # type: ignore[import-untyped] # it ships no types
from typing_extensions import override

from pictor.kit.spool import CHUNK_BYTES

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client, S3ServiceResource
    from mypy_boto3_s3.literals import BucketLocationConstraintType

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 20
MAX_CONNECTIONS = 32
TRIES = 2
"""One repetition covers a kept-alive connection that the server has just closed."""
MAX_KEYS_PER_REQUEST = 1000
"""What S3's DeleteObjects takes at once."""

_ONE_BY_ONE = TransferConfig(
    multipart_threshold=4 * 1024**3, multipart_chunksize=16 * 1024**2, use_threads=False
)
"""A request takes 5 GB; of a larger file one part at a time is in memory."""

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


class ObjectStream(File):  # type: ignore[type-arg] # generic for the stubs alone
    """An object's bytes, forwards only. Iterating gives chunks, all full but the last.

    Chunks of a multiple of 3 bytes join as base64. Close it if you stop early.
    """

    def __init__(self, body: "StreamingBody", name: str, size_bytes: int) -> None:
        super().__init__(cast(Any, body), name)
        self.size_bytes = self.size = size_bytes
        self._body = body

    @override
    def read(self, num_bytes: int | None = None) -> bytes:
        """As many bytes as asked for, fewer only at the end. Raises StorageFailed if cut short."""
        pieces: list[bytes] = []
        missing = self.size_bytes if num_bytes is None else num_bytes
        with translated():
            while missing and (piece := self._body.read(missing)):
                pieces.append(piece)
                missing -= len(piece)
        return b"".join(pieces)

    @override
    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """What is left of it, in chunks of `chunk_size` bytes."""
        while chunk := self.read(chunk_size or CHUNK_BYTES):
            yield chunk

    @override
    def __iter__(self) -> Self:
        return self

    @override
    def __next__(self) -> bytes:
        if chunk := self.read(CHUNK_BYTES):
            return chunk
        self.close()
        raise StopIteration


class PrivateBucket(S3Storage):  # type: ignore[misc] # an untyped base
    """The bucket that images lie in. Names are object keys; saving replaces what was there.

    OPTIONS: bucket_name, region_name, endpoint_url (None: Amazon), access_key, secret_key, and
    public_endpoint_url, the address in signed urls: clients use it, and the signature covers it.
    """

    file_overwrite = True
    client_config = Config(
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
    )

    @override
    def get_default_settings(self) -> dict[str, Any]:
        """What S3Storage knows, and the address in signed urls."""
        return {**super().get_default_settings(), "public_endpoint_url": None}

    @property
    def connection(self) -> "S3ServiceResource":
        """Shared by all threads: only its client is used, which is made for that."""
        return self._at(self.endpoint_url)

    @property
    def client(self) -> "S3Client":
        """The client that moves bytes."""
        return self.connection.meta.client

    def _at(self, endpoint_url: str | None) -> "S3ServiceResource":
        with _making:  # `cache` alone lets threads that come at once make one each
            return _resource(endpoint_url, self.region_name, self.access_key, self.secret_key)

    @override
    def _save(self, name: str, content: "File[bytes]") -> str:
        """One request with the content's own size and type, read from it as it is sent."""
        with translated():
            self.client.put_object(
                Bucket=self.bucket_name,
                Key=name,
                Body=cast(Any, content.file),
                ContentLength=content.size,
                **self._get_write_parameters(name, content),
            )
        return name

    def put_file(self, name: str, file: IO[bytes], *, content_type: str) -> None:
        """Save a file of any size, in parts where it is more than one request takes."""
        with translated():
            try:
                self.client.upload_fileobj(
                    file, self.bucket_name, name, {"ContentType": content_type}, Config=_ONE_BY_ONE
                )
            except S3UploadFailedError as error:
                raise StorageFailed(str(error)) from error

    @override
    def _open(self, name: str, mode: str = "rb") -> ObjectStream:
        if mode != "rb":
            raise ValueError("objects are saved whole, and opened for reading alone")
        with translated():
            answer = self.client.get_object(Bucket=self.bucket_name, Key=name)
        return ObjectStream(answer["Body"], name, answer["ContentLength"])

    def require(self, name: str) -> None:
        """Raise ObjectMissing when there is no such object."""
        with translated():
            self.client.head_object(Bucket=self.bucket_name, Key=name)

    @override
    def url(
        self,
        name: str,
        parameters: Mapping[str, str] | None = None,
        expire: int | None = None,
        http_method: str | None = None,
    ) -> str:
        """A url that needs no key until it expires, in seconds. Makes no request.

        Args:
            name: the object key.
            parameters: of GetObject, signed too: ResponseContentType.
            expire: default `querystring_expire`.
            http_method: default GET.
        """
        signer = self._at(self.public_endpoint_url or self.endpoint_url).meta.client
        return signer.generate_presigned_url(
            "get_object",
            Params={**(parameters or {}), "Bucket": self.bucket_name, "Key": name},
            ExpiresIn=expire or self.querystring_expire,
            HttpMethod=http_method or "GET",
        )

    @override
    def delete(self, name: str) -> None:
        """Remove one object; one that is not there is fine."""
        if code := self.delete_many([name]).get(name):
            raise StorageFailed(f"DeleteObjects: {code}")

    def delete_many(self, names: Iterable[str]) -> dict[str, str]:
        """Remove objects, up to a thousand in one request; those that are still there, and why.

        Objects that were not there are gone too. Raises StorageFailed where a whole request
        failed: nothing is known then of its objects and the ones after it.
        """
        still_there: dict[str, str] = {}
        left = iter(names)
        while batch := dict.fromkeys(islice(left, MAX_KEYS_PER_REQUEST)):
            with translated():
                answer = self.client.delete_objects(
                    Bucket=self.bucket_name,
                    Delete={"Objects": [{"Key": name} for name in batch], "Quiet": True},
                )
            for error in answer.get("Errors", ()):
                if error["Code"] not in _MISSING:
                    still_there[error["Key"]] = error["Code"]
        return still_there

    def names_under(self, prefix: str, *, before: str) -> Iterator[list[str]]:
        """The names of objects that begin so and sort before `before`, a thousand at a time."""
        pages = self.client.get_paginator("list_objects_v2")
        with translated():
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=prefix):
                names = [item["Key"] for item in page.get("Contents", ())]
                early = [name for name in names if name < before]
                yield early
                if len(early) < len(names):
                    return

    def create(self) -> None:
        """Make the bucket itself. One that is ours already is fine."""
        region: dict[str, Any] = {}
        if self.region_name != "us-east-1":  # the one region that must not be named
            constraint = cast("BucketLocationConstraintType", self.region_name)
            region = {"CreateBucketConfiguration": {"LocationConstraint": constraint}}
        with translated():
            try:
                self.client.create_bucket(Bucket=self.bucket_name, **region)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in _OWNED:
                    raise


bucket = cast(PrivateBucket, default_storage)
"""Django's default storage, by what it is. Made on first use, from settings.STORAGES."""


def client() -> "S3Client":
    """The default storage's client."""
    return bucket.client


def ensure_bucket() -> None:
    """Create the bucket unless it exists. Safe to call from several processes at once."""
    try:
        with translated():
            bucket.client.head_bucket(Bucket=bucket.bucket_name)
    except ObjectMissing:
        bucket.create()


@cache
def _resource(
    endpoint_url: str | None, region_name: str, access_key: str, secret_key: str
) -> "S3ServiceResource":
    session = boto3.session.Session(
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=region_name,
    )
    resource = session.resource(
        "s3", endpoint_url=endpoint_url or None, config=PrivateBucket.client_config
    )
    resource.meta.client.meta.events.register("before-call.s3.DeleteObjects", _with_md5)
    return resource


def _with_md5(params: dict[str, Any], **_rest: object) -> None:
    """DeleteObjects must carry a checksum: MD5, which every S3 server knows.

    boto3 sends a CRC32 since 1.36, and older servers refuse the request without Content-MD5:
    https://github.com/s3fs-fuse/s3fs-fuse/issues/2639, seen 20 November 2026.
    """
    params["context"].pop("checksum", None)
    digest = hashlib.md5(params["body"], usedforsecurity=False).digest()
    params["headers"]["Content-MD5"] = base64.b64encode(digest).decode()
