"""The process's S3 clients: each weighs 13 MB, so there is one for each address."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from storage import backends

THREADS = 16


def test_threads_that_come_at_once_share_one_client(settings: Any) -> None:
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:9"
    backends.forget_clients()
    together = threading.Barrier(THREADS)

    def client_of_one_thread(_number: int) -> object:
        together.wait()
        return backends.client()

    with ThreadPoolExecutor(THREADS) as threads:
        clients = list(threads.map(client_of_one_thread, range(THREADS)))

    backends.forget_clients()
    assert len({id(client) for client in clients}) == 1
