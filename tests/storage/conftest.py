import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pictor.kit.bytes.spool import SpoolBudget, SpoolFile, Spools
from storage import backends
from tests.fakes.raw_server import RawServer, Received

ACCESS_KEY, SECRET_KEY = "storage-tests", "storage-tests-secret"
START_SECONDS = 20


@dataclass
class S3Server:
    """A real S3 server of these tests' own, which they stop and restart on the same data."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        rclone = shutil.which("rclone", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        assert rclone is not None
        self.process = subprocess.Popen(  # noqa: S603 - our own command line
            [rclone, "serve", "s3", "--addr", f"127.0.0.1:{self.port}", str(self.folder)],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder.parent),
                "RCLONE_CONFIG": "",
                "RCLONE_AUTH_KEY": f'"{ACCESS_KEY},{SECRET_KEY}"',
            },
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        self.stop()
        raise AssertionError("the S3 server did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("s3") / "data"
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = S3Server(folder, port)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def configured(settings: Any) -> Callable[..., None]:
    """Give the default storage other options for the rest of the test."""

    def configure(**options: Any) -> None:
        default = settings.STORAGES["default"]
        options = {**default["OPTIONS"], **options}
        settings.STORAGES = {**settings.STORAGES, "default": {**default, "OPTIONS": options}}

    return configure


@pytest.fixture
def s3(s3_server: S3Server, settings: Any, configured: Callable[..., None]) -> S3Server:
    """The server, with a bucket in it, as the default storage."""
    settings.OBJECT_KEY_SECRET = "object-key-secret"
    configured(
        bucket_name="images",
        endpoint_url=s3_server.url,
        public_endpoint_url=f"http://localhost:{s3_server.port}",
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
    )
    if s3_server.process is None:
        s3_server.start()
    backends.ensure_bucket()
    return s3_server


@pytest.fixture
def spools(tmp_path: Path) -> Spools:
    return Spools(tmp_path / "spool", SpoolBudget(1024**3))


@pytest.fixture
def spooled(spools: Spools) -> Iterator[Callable[[bytes], SpoolFile]]:
    """Bytes as a spool; all are closed at the end."""
    made: list[SpoolFile] = []

    def make(data: bytes) -> SpoolFile:
        spool = spools.new(max_bytes=512 * 1024**2)
        spool.write(data)
        made.append(spool)
        return spool

    yield make
    for spool in made:
        spool.close()


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    """Answer each request with the next of `answers`; `None` closes without an answer."""
    answers: list[bytes | None] = []

    async def script(_request: Received, writer: asyncio.StreamWriter) -> None:
        answer = answers.pop(0)
        if answer is None:
            writer.close()
        else:
            writer.write(answer)

    raw = RawServer(script)
    raw.answers = answers  # type: ignore[attr-defined]  # for the tests to fill
    async with await asyncio.start_server(raw.serve, raw.host, 0) as listening:
        raw.port = listening.sockets[0].getsockname()[1]
        yield raw
