"""CPU of storing one image and of signing one url: over our own wire, and by boto3.

    .venv/bin/python -m tests.bench.puts [IMAGES]

Starts an S3 server of its own. First the caller's CPU is measured, by turns; then the server's own
CPU a PUT, on a day that has IMAGES (20,000) already, all in one folder and with the level that
object keys have. Evidence for docs/adr/0018.
"""

import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import django
import psutil
from django.conf import settings

from pictor.embedded.ports import free_port

IMAGES = 20_000
SMALL, LARGE = 48_000, 20_000_000
THREADS = 16
DAY = "20261120"


def cpu_ms(work: Callable[[], object], count: int) -> float:
    """Milliseconds of this process's CPU for each of `count` calls."""
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began) / count


def main(images: int) -> None:
    """Print a line for each."""
    settings.configure(URL_EXPIRY_SECONDS=3600)
    django.setup()
    folder = Path(tempfile.mkdtemp(prefix="pictor-puts-"))
    try:
        _caller(folder / "caller")
        for level in (0, 3):
            _server(folder / str(level), images, level)
    finally:
        shutil.rmtree(folder)


def _caller(folder: Path) -> None:
    from pictor.kit.bytes.spool import (  # noqa: PLC0415 - needs settings
        SpoolBudget,
        SpoolFile,
        Spools,
        reader_of,
    )

    bucket, stop = _started(folder)
    spools = Spools(folder / "spool", SpoolBudget(2**30))

    def spooled(size_bytes: int) -> SpoolFile:
        spool = spools.new(max_bytes=size_bytes)
        spool.write(os.urandom(size_bytes))
        return spool

    def by_wire(spool: SpoolFile, number: int) -> None:
        bucket.wire.put(
            f"wire/{number}.png",
            spool.chunks,
            size_bytes=spool.size,
            content_type="image/png",
            sha256=spool.sha256,
        )

    def by_boto3(spool: SpoolFile, number: int) -> None:
        name, body = f"boto3/{number}.png", reader_of(spool)
        bucket.client.put_object(
            Bucket="images", Key=name, Body=body, ContentLength=spool.size, ContentType="image/png"
        )

    small, large = spooled(SMALL), spooled(LARGE)
    for name, put in (("boto3", by_boto3), ("wire", by_wire)) * 2:
        put(small, 0)
        with ThreadPoolExecutor(THREADS) as threads:
            for spool, count in ((small, 300), (large, 32)):
                spent = cpu_ms(lambda: list(threads.map(put, [spool] * count, range(count))), count)  # noqa: B023 - run at once
                sys.stdout.write(f"{name}: a PUT of {spool.size:,} bytes {spent:8.3f} CPU-ms\n")
    ask = {"Bucket": "images", "Key": "a.png"}
    urls: dict[str, Callable[[], object]] = {
        "boto3": lambda: bucket.client.generate_presigned_url("get_object", Params=ask),
        "wire": lambda: bucket.url("a.png"),
    }
    for name, url in urls.items():
        spent = cpu_ms(lambda: [url() for _ in range(1000)], 1000)  # noqa: B023 - run at once
        sys.stdout.write(f"{name}: a url {spent:8.3f} CPU-ms\n")
    stop()


def _server(folder: Path, images: int, level: int) -> None:
    def name() -> str:
        digits = secrets.token_hex(16)
        return f"{digits[:level]}/{digits[level:]}" if level else digits

    for _ in range(images):
        (folder / "images" / DAY / name()).mkdir(parents=True)
    bucket, stop = _started(folder)
    (server,) = [child for child in psutil.Process().children() if "serve" in child.cmdline()]
    from django.core.files.base import ContentFile  # noqa: PLC0415 - needs settings

    body = ContentFile(os.urandom(SMALL))

    def spent_on(count: int) -> float:
        before = server.cpu_times()
        for _ in range(count):
            bucket.save(f"{DAY}/{name()}/1-0.png", body)
        after = server.cpu_times()
        return 1000 * (after.user + after.system - before.user - before.system) / count

    spent_on(20)
    spent = spent_on(200)
    sys.stdout.write(f"server: a PUT, {images:,} there, level of {level} {spent:8.3f} CPU-ms\n")
    stop()


def _started(folder: Path) -> tuple[Any, Callable[[], None]]:
    """A bucket on a server of its own, and a function that stops the server."""
    from storage.backends import PrivateBucket  # noqa: PLC0415 - needs settings
    from tests.storage.conftest import ACCESS_KEY, SECRET_KEY, S3Server  # noqa: PLC0415 - as above

    folder.mkdir(exist_ok=True)
    server = S3Server(folder, free_port())
    server.start()
    bucket = PrivateBucket(
        bucket_name="images",
        endpoint_url=server.url,
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
    )
    bucket.create()
    return bucket, server.stop


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else IMAGES)
