import pytest

from pictor.embedded.files import FolderLock
from pictor.embedded.stack_record import adopt, clear_record, needs_stack, write_record

RECORD = {"DATABASE_URL": "postgresql://here", "PORT": "8000", "PATH": "/usr/bin"}


@pytest.mark.parametrize("command", ["tenant", "migrate", "shell", "demo", "ledger_check", "seed"])
def test_with_none_running_an_operator_command_is_one_line_and_exit_status_1(
    tmp_path, capsys, command
):
    with pytest.raises(SystemExit) as ended:
        adopt(["manage.py", command], root=tmp_path, environ={})

    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "Pictor is not running here: start it with `make run`, or set DATABASE_URL.\n"
    )


def test_the_record_of_a_stack_that_died_is_not_believed(tmp_path):
    run = tmp_path / ".run"
    run.mkdir()
    (run / "lock").touch()
    write_record(run, RECORD)

    with pytest.raises(SystemExit):
        adopt(["manage.py", "tenant"], root=tmp_path, environ={})


def test_a_running_stack_gives_its_environment(tmp_path):
    run = tmp_path / ".run"
    run.mkdir()
    lock = FolderLock(run)
    lock.take()
    write_record(run, RECORD)
    environ: dict[str, str] = {}

    adopt(["manage.py", "tenant", "create", "acme"], root=tmp_path, environ=environ)
    lock.release()

    assert environ == {"DATABASE_URL": "postgresql://here", "PORT": "8000"}


def test_a_configured_database_wins(tmp_path):
    environ = {"DATABASE_URL": "postgresql://there"}

    adopt(["manage.py", "tenant"], root=tmp_path, environ=environ)

    assert environ == {"DATABASE_URL": "postgresql://there"}


def test_the_record_is_private_and_goes_with_the_stack(tmp_path):
    write_record(tmp_path, RECORD)
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("env.json", "dsn")]
    dsn = (tmp_path / "dsn").read_text()

    clear_record(tmp_path)

    assert modes == [0o600, 0o600]
    assert dsn == "postgresql://here\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words", [[], ["run"], ["makemigrations"], ["check"], ["help"], ["tenant", "--help"], ["-h"]]
)
def test_some_commands_need_no_running_stack(words):
    assert needs_stack(["manage.py", *words]) is False
