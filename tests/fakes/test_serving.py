"""A fake server ends with its block, however that ends."""

import threading
from http.server import BaseHTTPRequestHandler

import pytest

from tests.fakes.serving import serving


def threads() -> set[threading.Thread]:
    return set(threading.enumerate())


def test_a_skip_inside_ends_the_servers_thread():
    before = threads()
    during: set[threading.Thread] = set()

    def skipped() -> None:
        with serving(BaseHTTPRequestHandler):
            during.update(threads() - before)
            pytest.skip("its program is not installed")

    with pytest.raises(pytest.skip.Exception):
        skipped()

    assert [thread.is_alive() for thread in during] == [False]
