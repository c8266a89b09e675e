"""The private bucket on the S3 server, as Django's default storage. All bytes pass through it.

`save` is one streamed request, `open` reads chunks forwards, and `url` signs without a request.
Every image needs these three, so they use our own client (wire.py). Rare operations (removing up to
a thousand objects at a time, listing, uploading in parts, creating the bucket) are left to boto3,
which costs a process 28 MB and is imported on first use. All threads share one client, since one
each would cost some 16 MB. Raises:
    StorageFailed
    └── ObjectMissing   there is no such object
"""

import atexit
import base64
import hashlib
import mimetypes
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, cast

from django.core.files import File
from django.core.files.storage import default_storage
from storages.base import BaseStorage  # type: ignore[import-untyped] # it ships no types
from typing_extensions import override

from pictor.kit.bytes.spool import CHUNK_BYTES
from pictor.kit.words import clock
from storage.loop_wire import LoopWire, wires
from storage.signing import Signer, Signers
from storage.wire import (
    CONNECT_TIMEOUT_SECONDS,
    MISSING,
    READ_TIMEOUT_SECONDS,
    BucketPlace,
    ObjectMissing,
    ObjectStream,
    StorageFailed,
    Wire,
)

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import BucketLocationConstraintType

    from storage.credential_chain import Chain

AMAZON = "https://s3.{region}.amazonaws.com"
"""The endpoint if none is configured."""
KEYS = "keys"
"""The value of S3_CREDENTIALS for the keys in the settings."""
URL_SECONDS = 3600
TRIES = 2
"""Attempts per request by boto3: the second covers a connection that the server has just closed."""
MAX_KEYS_PER_REQUEST = 1000
"""The most keys that S3's DeleteObjects takes at once."""
ONE_REQUEST_BYTES = 4 * 1024**3
"""A request takes 5 GB; a larger file is sent in parts, with one part in memory at a time."""
PART_BYTES = 16 * 1024**2

_making = threading.Lock()
_choosing = threading.Lock()
"""For the signers: an event loop takes this lock too, so it is not held while boto3's client is
made."""
_OWNED = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


@contextmanager
def translated() -> Iterator[None]:
    """Turn boto's errors into StorageFailed; messages name operation and code, never a secret."""
    from boto3.exceptions import S3UploadFailedError  # noqa: PLC0415 - see above
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see above

    try:
        yield
    except ClientError as error:
        code = _code_of(error)
        kind = ObjectMissing if code in MISSING else StorageFailed
        raise kind(f"{error.operation_name}: {code}") from error
    except (BotoCoreError, OSError) as error:
        raise StorageFailed(f"{type(error).__name__}: {error}") from error
    except S3UploadFailedError as error:
        raise StorageFailed(str(error)) from error


class PrivateBucket(BaseStorage):  # type: ignore[misc] # an untyped base
    """The bucket with the images. Names are object keys; saving replaces an existing object.

    OPTIONS: bucket_name, region_name, endpoint_url (None: Amazon), access_key, secret_key, and
    public_endpoint_url, the address in signed urls: clients use it, and the signature covers it;
    ca_bundle, a file of the authorities that may issue its certificate (empty: certifi's);
    credentials, `keys` (access_key and secret_key) or `chain` (botocore's chain).
    """

    bucket_name: str
    region_name: str
    endpoint_url: str | None
    public_endpoint_url: str | None
    access_key: str
    secret_key: str
    ca_bundle: str
    credentials: str

    @override
    def get_default_settings(self) -> dict[str, Any]:
        """Return every option with its default."""
        return {
            "bucket_name": "",
            "region_name": "us-east-1",
            "endpoint_url": None,
            "public_endpoint_url": None,
            "access_key": "",
            "secret_key": "",
            "ca_bundle": "",
            "credentials": KEYS,
        }

    @property
    def client(self) -> "S3Client":
        """Boto's client, shared by all threads."""
        signers = self._signers
        with _making:  # `cache` does not stop concurrent threads from making one each
            return _client(self.endpoint_url, self.region_name, self.ca_bundle, signers)

    @property
    def wire(self) -> Wire:
        """The client that moves bytes, shared by all threads."""
        signers = self._signers
        with _making:
            return _wire(self._place, signers)

    async def loop_wire(self) -> LoopWire:
        """Return the running loop's own client, which moves small objects."""
        place, signers = self._place, self._signers
        return await wires.of((place, signers), partial(LoopWire, place, signers))

    def begin(self) -> None:
        """Load the credentials before an event loop asks for them. Raises StorageFailed."""
        self._signers()

    @property
    def _signers(self) -> Signers:
        with _choosing:
            if self.credentials == KEYS:
                return _signers_by_keys(self.access_key, self.secret_key, self.region_name)
            return _chain(self.region_name).signer

    @property
    def _place(self) -> BucketPlace:
        return _place(self._address(self.endpoint_url), self.bucket_name, self.ca_bundle)

    def _address(self, endpoint_url: str | None) -> str:
        return endpoint_url or AMAZON.format(region=self.region_name)

    @override
    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return the name itself: saving replaces an existing object."""
        return name

    @override
    def _save(self, name: str, content: "File[bytes]") -> str:
        chunks = partial(content.chunks, CHUNK_BYTES)
        # The signature covers the digest, so this content is read twice; a spool knows its own.
        digest = hashlib.sha256()
        for chunk in chunks():
            digest.update(chunk)
        guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.wire.put(
            name,
            chunks,
            size_bytes=content.size,
            content_type=getattr(content, "content_type", None) or guessed,
            sha256=digest.hexdigest(),
        )
        return name

    def put_file(self, name: str, file: IO[bytes], *, content_type: str) -> None:
        """Save a file of any size, in parts if it is larger than one request takes.

        Caches may not keep it: it may hold all data of a tenant, and its urls are made anew.
        """
        from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - see above

        one_by_one = TransferConfig(
            multipart_threshold=ONE_REQUEST_BYTES,
            multipart_chunksize=PART_BYTES,
            use_threads=False,
        )
        kept = {"ContentType": content_type, "CacheControl": "private, no-store"}
        with translated():
            self.client.upload_fileobj(file, self.bucket_name, name, kept, Config=one_by_one)

    @override
    def _open(self, name: str, mode: str = "rb") -> ObjectStream:
        if mode != "rb":
            raise ValueError("objects are saved whole, and opened only for reading")
        return self.wire.get(name)

    @override
    def url(
        self,
        name: str | None,
        parameters: Mapping[str, str] | None = None,
        expire: int = URL_SECONDS,
    ) -> str:
        """A url that needs no key until it expires. Makes no request.

        Args:
            name: the object key.
            parameters: parameters of S3's GetObject, signed too: `response-content-type`.
            expire: seconds; the url ends earlier if the signing credentials do.
        """
        address = self._address(self.public_endpoint_url or self.endpoint_url)
        place = _place(address, self.bucket_name, self.ca_bundle)
        path = place.path_of(name or "")
        query = self._signers().query(
            "GET",
            path,
            parameters or {},
            host=place.host,
            expires_seconds=expire,
            now=clock.now(),
        )
        return f"{place.origin}{path}?{query}"

    def good_for(self, seconds: int) -> int:
        """The seconds a url can be valid: at most `seconds`, or until the credentials end.

        At least a second, since S3 takes no less. Raises StorageFailed without credentials.
        """
        at = clock.now().replace(microsecond=0)  # the resolution of a signature
        return max(1, int(min(seconds, self._signers().seconds_left(at))))

    @override
    def delete(self, name: str) -> None:
        """Remove an object; a missing one is fine."""
        if code := self.delete_many([name]).get(name):
            raise StorageFailed(f"DeleteObjects: {code}")

    def delete_many(self, names: Iterable[str]) -> dict[str, str]:
        """Remove objects, up to a thousand per request; return error codes of those still there.

        Missing objects count as removed. Raises StorageFailed if a whole request failed: the state
        of its objects and of all after them is then unknown.
        """
        still_there: dict[str, str] = {}
        left = iter(names)
        while batch := dict.fromkeys(islice(left, MAX_KEYS_PER_REQUEST)):
            with translated():
                answer = self.client.delete_objects(
                    Bucket=self.bucket_name,
                    # Quiet: the answer names only objects that are still there.
                    Delete={"Objects": [{"Key": name} for name in batch], "Quiet": True},
                )
            for error in answer.get("Errors", ()):
                if error["Code"] not in MISSING:
                    still_there[error["Key"]] = error["Code"]
        return still_there

    def names_under(self, prefix: str, *, before: str) -> Iterator[list[str]]:
        """Yield the names with this prefix that sort before `before`, a thousand at a time."""
        pages = self.client.get_paginator("list_objects_v2")
        with translated():
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=prefix):
                names = [item["Key"] for item in page.get("Contents", ())]
                early = [name for name in names if name < before]
                yield early
                # S3 lists names in order, so no early one follows.
                if len(early) < len(names):
                    return

    def create(self) -> None:
        """Create the bucket. One that we own already is fine."""
        region: dict[str, Any] = {}
        if self.region_name != "us-east-1":  # the one region that must not be named
            constraint = cast("BucketLocationConstraintType", self.region_name)
            region = {"CreateBucketConfiguration": {"LocationConstraint": constraint}}
        from botocore.exceptions import ClientError  # noqa: PLC0415 - see above

        with translated():
            try:
                self.client.create_bucket(Bucket=self.bucket_name, **region)
            except ClientError as error:
                if _code_of(error) not in _OWNED:
                    raise


bucket = cast(PrivateBucket, default_storage)
"""Django's default storage, typed as our class. Made on first use, from settings.STORAGES."""


def refuse_to_serve() -> None:
    """End a server's start with one clear line if there are no credentials to sign with."""
    try:
        bucket.begin()
    except StorageFailed as error:
        raise SystemExit(
            f"S3_CREDENTIALS=chain: {error}. See docs/operations/install.md."
        ) from None


def ensure_bucket() -> None:
    """Create the bucket unless it exists. Safe to call from several processes at once."""
    try:
        with translated():
            bucket.client.head_bucket(Bucket=bucket.bucket_name)
    except ObjectMissing:
        bucket.create()


@cache
def _place(address: str, bucket_name: str, ca_bundle: str) -> BucketPlace:
    return BucketPlace(address, bucket_name, ca_bundle=ca_bundle)


@cache
def _signers_by_keys(access_key: str, secret_key: str, region_name: str) -> Signers:
    signer = Signer(access_key, secret_key, region_name)
    return lambda: signer


@cache
def _chain(region_name: str) -> "Chain":
    from storage.credential_chain import Chain  # noqa: PLC0415 - botocore, which not everybody needs

    return Chain(region_name)


@cache
def _wire(place: BucketPlace, signers: Signers) -> Wire:
    wire = Wire(place, signers)
    atexit.register(wire.close)
    return wire


@cache
def _client(
    endpoint_url: str | None, region_name: str, ca_bundle: str, signers: Signers
) -> "S3Client":
    import boto3  # noqa: PLC0415 - see above
    from botocore.config import Config  # noqa: PLC0415 - see above

    from storage.boto_session import BotoSession  # noqa: PLC0415 - see above

    client = boto3.session.Session(
        botocore_session=BotoSession(signers), region_name=region_name
    ).client(
        "s3",
        endpoint_url=endpoint_url or None,
        verify=ca_bundle or None,
        config=Config(
            # Custom endpoints are signed with SigV2 unless told otherwise.
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            # Newer default checksums are trailers that many S3 servers refuse.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            retries={"total_max_attempts": TRIES, "mode": "standard"},
            proxies={},
        ),
    )
    client.meta.events.register("before-call.s3.DeleteObjects", _with_md5)
    return client


def _code_of(error: "ClientError") -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _with_md5(params: dict[str, Any], **_rest: object) -> None:
    """Add the checksum that DeleteObjects requires: MD5, which every S3 server knows.

    boto3 sends a CRC32 since 1.36, and older servers refuse the request without Content-MD5:
    https://github.com/s3fs-fuse/s3fs-fuse/issues/2639, seen 20 November 2026.
    """
    params["context"].pop("checksum", None)
    digest = hashlib.md5(params["body"], usedforsecurity=False).digest()
    params["headers"]["Content-MD5"] = base64.b64encode(digest).decode()
