"""Processes that start while PostgreSQL is away wait for it and swallow no work."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from operator import gt
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import redis
from celery import Celery

from pictor.embedded.part import answers_ok
from pictor.kit.running.vital import EXIT_STATUS
from pictor.kit.words.ids import new_uuid
from tests.customers.customer import Customer
from tests.stack.door import Door
from tests.stack.servers import ROOT, Stack
from tests.stack.stack_processes import until

pytestmark = pytest.mark.timeout(180)

QUEUE = "images"
READY = "ready."
WAITS = "no message is taken before the database answers"


class LoneWorker:
    """A worker beside the stack, with a broker database and a door to PostgreSQL of its own."""

    def __init__(
        self,
        stack: Stack,
        folder: Path,
        *,
        queue: str = QUEUE,
        role: str = "worker",
        data: Path | None = None,
    ) -> None:
        dsn = urlsplit(stack.env["DATABASE_URL"])
        self.door = Door(dsn.hostname or "", dsn.port or 0)
        away = dsn._replace(netloc=dsn.netloc.replace(str(dsn.port), str(self.door.port)))
        self.broker_url = urlsplit(stack.env["REDIS_URL"])._replace(path="/5").geturl()
        self._output = folder / "worker.log"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(  # noqa: S603 (our own command line)
                [sys.executable, "-m", "pictor.processes.celery_worker", queue],
                cwd=ROOT,
                env={
                    **os.environ,
                    **stack.env,
                    "DATABASE_URL": away.geturl(),
                    "REDIS_URL": self.broker_url,
                    "PICTOR_ROLE": role,
                    "PICTOR_DATA": str(data or folder),
                },
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def has_logged(self, words: str) -> bool:
        assert self.process.poll() is None, self.log
        return words in self.log

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.door.close()


@pytest.fixture
def broker(stack: Stack) -> Iterator["redis.Redis"]:
    url = urlsplit(stack.env["REDIS_URL"])._replace(path="/5").geturl()
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def worker(stack: Stack, broker: "redis.Redis", tmp_path: Path) -> Iterator[LoneWorker]:
    Celery(broker=urlsplit(stack.env["REDIS_URL"])._replace(path="/5").geturl()).send_task(
        "generation.tasks.ring", (str(new_uuid()),), queue=QUEUE
    )
    alone = LoneWorker(stack, tmp_path)
    yield alone
    alone.end()


def leases(stack: Stack, pid: int) -> int:
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as connection:
        found = connection.execute(
            "SELECT count(*) FROM generation_worker WHERE pid = %s AND stopped_at IS NULL"
            " AND seen_at > clock_timestamp() - interval '10 s'",
            [pid],
        ).fetchone()
    return int(found[0]) if found else 0


def test_an_image_worker_takes_no_message_before_it_has_its_lease(worker, broker, stack):
    until(lambda: worker.has_logged(WAITS))

    assert broker.llen(QUEUE) == 1
    assert READY not in worker.log

    worker.door.open()
    until(lambda: worker.has_logged(READY))
    until(lambda: broker.llen(QUEUE) == 0)

    assert leases(stack, worker.process.pid) == 1


def test_an_image_worker_that_waits_for_the_database_can_be_stopped(worker):
    until(lambda: worker.has_logged(WAITS))

    worker.process.terminate()

    assert worker.process.wait(15) == 0


def said_so_far(stack: Stack) -> tuple[int, int]:
    """Starts of the image worker without the database, and of the short-work worker."""
    return stack.log("worker").count(WAITS), stack.log("short").count(READY)


def test_images_are_made_again_after_the_database_was_away_while_all_others_started(
    customer: Customer, stack: Stack
) -> None:
    before = said_so_far(stack)
    pids = stack.pids()
    for pid in (*pids["web"], *pids["worker"]):
        os.kill(pid, signal.SIGKILL)

    def all_have_started_without_it() -> bool:
        with contextlib.suppress(ProcessLookupError):
            os.kill(stack.pids()["postgres"][0], signal.SIGKILL)
        web_answers = answers_ok(int(stack.env["PORT"]), "/healthz")
        return web_answers and all(map(gt, said_so_far(stack), before))

    until(all_have_started_without_it, seconds=60)

    def is_made() -> bool:
        with contextlib.suppress(OSError, httpx.HTTPError):
            return customer.generate(quality="low").status_code == 200
        return False

    until(is_made, seconds=60)


def test_a_short_work_worker_ends_with_its_clock(stack: Stack, tmp_path: Path) -> None:
    no_folder = tmp_path / "a file"  # a file where the clock needs a folder
    no_folder.touch()

    worker = LoneWorker(stack, tmp_path, queue="short", role="short", data=no_folder)

    try:
        assert worker.process.wait(60) == EXIT_STATUS
        assert "its thread beat is gone" in worker.log
    finally:
        worker.end()
