"""The embedded PostgreSQL, really made, killed and started again."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from pictor.embedded.ports import free_port
from pictor.embedded.postgres import Postgres, clear_stale_pid
from pictor.embedded.postgres_place import find_place
from pictor.embedded.progress import Progress
from pictor.embedded.supervisor import Supervisor

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    for folder in (data, *list(data.parents)[:2]):  # pytest's own folders are closed to others
        folder.chmod(0o711)
    made = Postgres(
        place=find_place(data),
        port=free_port(),
        owner_password="p@ss/word",
        processes_password="other",
    )
    made.create()
    return made


@pytest.fixture
def supervisor(tmp_path):
    (tmp_path / "log").mkdir()
    made = Supervisor(run=tmp_path, children_file=tmp_path / "children.json", progress=Progress())
    yield made
    made.stop()
    made.close()


@pytest.fixture
def stranger():
    process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    yield process
    process.kill()
    process.wait()


def test_the_server_requires_the_password(server, supervisor):
    supervisor.start([server.part()])

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.owner_url.replace("p%40ss", "wrong"))
    with psycopg.connect(server.owner_url) as connection:
        names = connection.execute("SELECT current_database()").fetchall()

    assert names == [("pictor",)]


def test_committed_rows_survive_kill_9_and_a_pid_file_naming_a_stranger(
    server, supervisor, stranger
):
    supervisor.start([server.part()])
    with psycopg.connect(server.owner_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (note text)")
        connection.execute("INSERT INTO kept VALUES ('paid')")
    pid_file = server.place.cluster / "postmaster.pid"
    postmaster = psutil.Process(int(pid_file.read_text().splitlines()[0]))

    lines = pid_file.read_text().splitlines()
    postmaster.kill()
    pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
    supervisor.wait_for(lambda: answers(server))

    with psycopg.connect(server.owner_url) as connection:
        assert connection.execute("SELECT DISTINCT note FROM kept").fetchall() == [("paid",)]
    assert stranger.poll() is None


def answers(server: Postgres) -> bool:
    try:
        psycopg.connect(server.owner_url).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.parametrize("text", ["999999999\n", "", "nonsense\n"])
def test_a_pid_file_without_a_process_is_removed(tmp_path, text):
    (tmp_path / "postmaster.pid").write_text(text)

    clear_stale_pid(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_pid_file_that_names_a_zombie_is_removed(tmp_path):
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    while psutil.Process(zombie.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    (tmp_path / "postmaster.pid").write_text(f"{zombie.pid}\n")

    clear_stale_pid(tmp_path)

    assert list(tmp_path.iterdir()) == []
    assert zombie.wait() == 0


def test_a_pid_file_naming_a_living_stranger_is_removed_and_the_stranger_lives(tmp_path, stranger):
    (tmp_path / "postmaster.pid").write_text(f"{stranger.pid}\n")

    clear_stale_pid(tmp_path)

    assert list(tmp_path.iterdir()) == []
    assert stranger.poll() is None


def test_a_server_of_this_very_cluster_is_stopped_first(tmp_path):
    # Takes SIGQUIT itself, as PostgreSQL does: a background shell job would inherit it ignored.
    program = (
        "import signal; signal.signal(signal.SIGQUIT, signal.SIG_DFL);"
        " print('up', flush=True); signal.pause()"
    )
    leftover = subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, "-c", program, "-D", str(tmp_path)], stdout=subprocess.PIPE
    )
    assert leftover.stdout is not None
    leftover.stdout.readline()
    (tmp_path / "postmaster.pid").write_text(f"{leftover.pid}\n")

    clear_stale_pid(tmp_path)

    assert leftover.wait(5) == -signal.SIGQUIT
    assert list(Path(tmp_path).iterdir()) == []
    leftover.stdout.close()
