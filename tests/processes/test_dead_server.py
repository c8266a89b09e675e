"""A database server that vanishes silently is noticed by its waiting clients."""

import os
import socket

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


def test_a_connection_asks_whether_its_server_is_still_there():
    connection.ensure_connection()
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as ours:
        set_to = [
            ours.getsockopt(socket.IPPROTO_TCP, option)
            for option in (
                socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT,
                socket.TCP_USER_TIMEOUT,
            )
        ]  # fmt: skip

    assert ours.family == socket.AF_INET
    assert set_to == [10, 10, 2, 30_000]
