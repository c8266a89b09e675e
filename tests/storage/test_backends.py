"""Django's default storage: the private bucket, on a real S3 server."""

import asyncio
import base64
import hashlib
import os
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from storage import backends, object_keys, services
from storage.backends import bucket
from storage.wire import ObjectMissing, StorageFailed

THREADS = 16
MEGABYTE = 1024**2


@pytest.fixture
def sent(s3: object) -> Iterator[list[Any]]:
    """Every request of boto3's to the S3 server from now on."""
    requests: list[Any] = []

    def note(request: Any, **_rest: object) -> None:
        requests.append(request)

    events = bucket.client.meta.events
    events.register("before-send.s3", note)
    yield requests
    events.unregister("before-send.s3", note)


@pytest.fixture
def peak_bytes() -> Iterator[Callable[[], int]]:
    """Peak memory of Python objects since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["client", "wire"])
def test_threads_that_come_at_once_share_one_client(configured, kind):
    configured(endpoint_url="http://127.0.0.1:9")
    together = threading.Barrier(THREADS)

    def client_of_one_thread(_number: int) -> object:
        together.wait()
        return getattr(bucket, kind)

    with ThreadPoolExecutor(THREADS) as threads:
        clients = list(threads.map(client_of_one_thread, range(THREADS)))

    assert len({id(client) for client in clients}) == 1


def test_the_default_storage_saves_opens_and_deletes(s3):
    name = default_storage.save("20261120/a/1-0.png", ContentFile(b"first"))
    again = default_storage.save("20261120/a/1-0.png", ContentFile(b"second"))

    with default_storage.open(name) as file:
        assert (file.size, file.read(3), list(file.chunks(2))) == (6, b"sec", [b"on", b"d"])
    default_storage.delete(name)
    default_storage.delete(name)

    assert name == again == "20261120/a/1-0.png"
    with pytest.raises(ObjectMissing):
        default_storage.open(name)


def test_an_object_is_opened_only_for_reading(s3):
    with pytest.raises(ValueError, match="saved whole"):
        default_storage.open("20261120/a/1-0.png", "wb")


def test_memory_is_flat_both_ways(s3, spooled, peak_bytes):
    services.upload("20261120/c/1-0.png", spooled(b"warm"), content_type="image/png")
    spool = spooled(b"")
    for _ in range(32):
        spool.write(os.urandom(MEGABYTE))
    tracemalloc.reset_peak()
    before = peak_bytes()

    services.upload("20261120/c/1-0.png", spool, content_type="image/png")
    by_thread, by_loop = hashlib.sha256(), hashlib.sha256()
    for chunk in services.open_stream("20261120/c/1-0.png"):
        by_thread.update(chunk)

    async def read() -> None:
        async for piece in services.read_on_loop("20261120/c/1-0.png"):
            by_loop.update(piece)

    asyncio.run(read())

    assert by_thread.hexdigest() == by_loop.hexdigest() == spool.sha256
    assert peak_bytes() - before < 5 * MEGABYTE


def test_a_thousand_objects_go_in_one_request_with_the_checksum_every_server_knows(s3, sent):
    default_storage.save("20261120/d/1000-0.png", ContentFile(b"x"))
    sent.clear()

    still_there = bucket.delete_many(f"20261120/d/{number}-0.png" for number in range(1001))

    assert still_there == {}
    assert [request.url.rpartition("/")[2] for request in sent] == ["images?delete"] * 2
    digest = hashlib.md5(sent[0].body, usedforsecurity=False).digest()
    assert sent[0].headers["Content-MD5"] == base64.b64encode(digest)
    with pytest.raises(ObjectMissing):
        default_storage.open("20261120/d/1000-0.png")


def test_a_key_that_cannot_be_removed_is_named_and_keeps_no_other(s3):
    default_storage.save("20261120/e/1-0.png", ContentFile(b"x"))
    default_storage.save("20261120/f/1-0.png", ContentFile(b"x"))

    # For this server a non-empty folder is such a key.
    with pytest.raises(StorageFailed, match=r"1 objects cannot be removed; 20261120/f: Internal"):
        services.delete_objects(["20261120/f", "20261120/e/1-0.png"])
    with pytest.raises(StorageFailed, match="InternalError"):
        default_storage.delete("20261120/f")

    with pytest.raises(ObjectMissing):
        default_storage.open("20261120/e/1-0.png")


def test_inputs_stored_up_to_a_day_are_removed_page_by_page(s3, sent):
    day = datetime(2026, 11, 20, tzinfo=UTC)
    for number in range(3):
        default_storage.save(f"in/20261120/{number}/0.bin", ContentFile(b"x"))
    default_storage.save("in/20261101/0/0.bin", ContentFile(b"x"))
    default_storage.save("in/20261121/0/0.bin", ContentFile(b"x"))
    sent.clear()

    services.remove_until(object_keys.INPUTS, day)

    assert [request.method for request in sent] == ["GET", "POST"]
    assert list(bucket.names_under("in/", before="in/3")) == [["in/20261121/0/0.bin"]]


@pytest.mark.parametrize(("region", "is_named"), [("us-east-1", False), ("eu-west-1", True)])
def test_a_bucket_is_made_in_its_region(s3, configured, region, is_named):
    configured(bucket_name=f"other-{region}", region_name=region)
    bodies: list[str] = []

    def note(request: Any, **_: Any) -> None:
        bodies.append(str(request.body))

    bucket.client.meta.events.register("before-send.s3.CreateBucket", note)

    backends.ensure_bucket()
    bucket.create()
    bucket.client.meta.events.unregister("before-send.s3.CreateBucket", note)

    assert ["LocationConstraint" in body for body in bodies] == [is_named, is_named]
