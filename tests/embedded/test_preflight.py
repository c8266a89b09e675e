import shutil
import socket

import pytest

from pictor.embedded import preflight
from pictor.embedded.errors import RuntimeProblem
from pictor.embedded.layout import Layout, read_layout
from pictor.embedded.ports import free_port, keep_ports
from pictor.embedded.preflight import check_disk, check_port, make_folders, take_locks


@pytest.fixture
def layout(tmp_path):
    return Layout(
        root=tmp_path,
        data=tmp_path / "data",
        run=tmp_path / "run",
        host="127.0.0.1",
        port=free_port(),
    )


def test_a_busy_port_is_one_clear_line(layout):
    taken = rf"Port {layout.port} on 127.0.0.1 is taken"

    with (
        socket.create_server(("127.0.0.1", layout.port)),
        pytest.raises(RuntimeProblem, match=taken),
    ):
        check_port(layout)


def test_a_second_start_on_the_same_data_is_refused(layout):
    make_folders(layout)
    held = take_locks(layout)

    with pytest.raises(RuntimeProblem, match="already running with this data"):
        take_locks(layout)

    assert len(held) == 2
    for lock in held:
        lock.release()


def test_a_full_disk_is_one_clear_line(layout, monkeypatch):
    make_folders(layout)
    free = shutil.disk_usage(layout.data).free
    monkeypatch.setattr(preflight, "FREE_DATA_BYTES", free * 2)

    with pytest.raises(RuntimeProblem, match="The disk is full"):
        check_disk(layout)


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", "\uff18"])
def test_a_port_that_is_none_is_refused(tmp_path, port):
    with pytest.raises(RuntimeProblem, match="PORT must be a number from 1 to 65535"):
        read_layout(tmp_path, {"PORT": port})


def test_ports_are_kept_while_they_are_free(tmp_path):
    first = keep_ports(tmp_path / "ports.json", ("postgres", "s3"), reserved=frozenset())

    second = keep_ports(tmp_path / "ports.json", ("postgres", "s3"), reserved=frozenset())

    assert second == first
    assert len(set(first.values())) == 2


def test_a_port_that_somebody_took_is_replaced(tmp_path):
    first = keep_ports(tmp_path / "ports.json", ("postgres",), reserved=frozenset())

    with socket.create_server(("127.0.0.1", first["postgres"])):
        second = keep_ports(tmp_path / "ports.json", ("postgres",), reserved=frozenset())

    assert second["postgres"] != first["postgres"]
