"""The supervisor over real processes: small Python programs instead of servers."""

import json
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pictor.embedded import logs
from pictor.embedded import supervisor as supervisor_module
from pictor.embedded.errors import RuntimeProblem, Stopped
from pictor.embedded.part import StackPart
from pictor.embedded.process import Command
from pictor.embedded.progress import Progress
from pictor.embedded.supervisor import Supervisor
from tests.faults.parts import part

ROOT = Path(__file__).resolve().parents[2]
SERVE = "import signal; print('up', flush=True); signal.pause()"


@pytest.fixture
def supervisor(tmp_path):
    (tmp_path / "log").mkdir()
    made = Supervisor(run=tmp_path, children_file=tmp_path / "children.json", progress=Progress())
    yield made
    made.stop()
    made.close()


def pids(run: Path) -> dict[str, list[int]]:
    value: dict[str, list[int]] = json.loads((run / "pids.json").read_text())
    return value


@pytest.mark.parametrize("status", [0, 1])
def test_a_part_that_ends_is_started_again_whatever_its_exit_status(supervisor, tmp_path, status):
    flag = tmp_path / "ran"
    program = f"""
        import pathlib, signal, sys
        flag = pathlib.Path({str(flag)!r})
        print("up", flush=True)
        runs = flag.read_text().count("x") if flag.exists() else 0
        flag.write_text("x" * (runs + 1))
        signal.pause() if runs else signal.sigwait([signal.SIGUSR1])
        sys.exit({status})
    """
    program = program.replace(
        "print(", "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); print("
    )
    supervisor.start([part("echo", program)])
    supervisor.wait_for(flag.exists)
    (first,) = pids(tmp_path)["echo"]

    psutil.Process(first).send_signal(signal.SIGUSR1)
    supervisor.wait_for(lambda: pids(tmp_path)["echo"] != [first])

    (second,) = pids(tmp_path)["echo"]
    assert psutil.pid_exists(second)
    assert not psutil.pid_exists(first)


def test_a_log_that_grows_while_its_part_runs_is_set_aside(supervisor, tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "KEEP_BYTES", 10_000)
    program = """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        print("up", flush=True)
        for _ in range(2000):
            print("x" * 99, flush=True)
        signal.sigwait([signal.SIGUSR1])
        print("later", flush=True)
        signal.pause()
    """
    log, aside = tmp_path / "log" / "chatty.log", tmp_path / "log" / "chatty.log.1"
    supervisor.start([part("chatty", program)])
    supervisor.wait_for(lambda: aside.exists() and log.stat().st_size <= 10_000)

    psutil.Process(pids(tmp_path)["chatty"][0]).send_signal(signal.SIGUSR1)
    supervisor.wait_for(lambda: log.read_bytes().endswith(b"later\n"))

    assert log.stat().st_size <= 10_000
    assert b"x" * 99 in aside.read_bytes()
    assert b"\x00" not in log.read_bytes()


def test_a_part_killed_again_and_again_is_back_within_five_seconds(supervisor, tmp_path):
    supervisor.start([part("echo", SERVE)])

    for _ in range(4):
        (pid,) = pids(tmp_path)["echo"]
        psutil.Process(pid).kill()
        supervisor.wait_for(lambda pid=pid: pids(tmp_path)["echo"] != [pid])

    (last,) = pids(tmp_path)["echo"]
    assert psutil.pid_exists(last)


def test_children_of_a_part_that_dies_do_not_stay_behind(supervisor, tmp_path):
    child_file = tmp_path / "child"
    program = f"""
        import pathlib, signal, subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        pathlib.Path({str(child_file)!r}).write_text(str(child.pid))
        print("up", flush=True)
        signal.pause()
    """
    supervisor.start([part("parent", program)])
    (parent,) = pids(tmp_path)["parent"]
    child = psutil.Process(int(child_file.read_text()))

    psutil.Process(parent).kill()
    supervisor.wait_for(lambda: pids(tmp_path)["parent"] != [parent])

    assert psutil.wait_procs([child], timeout=5)[0] == [child]


def test_a_part_that_keeps_failing_at_the_start_is_one_problem_with_its_last_words(supervisor):
    failing = part("broken", "raise SystemExit('no such config')")

    with pytest.raises(
        RuntimeProblem, match=r"broken ended \(exit status 1\)(?s:.*)no such config"
    ):
        supervisor.start([failing])


def test_a_part_that_never_gets_ready_is_a_problem(supervisor):
    mute = part("mute", "import signal; signal.pause()", ready_seconds=0.2)

    with pytest.raises(RuntimeProblem, match=r"mute is not ready after \d s"):
        supervisor.start([mute])


def test_a_part_that_was_ready_may_take_longer_to_be_so_again(supervisor, tmp_path):
    """It recovers, or waits for another part: killed, it would begin that anew."""
    ready_at = 0.0
    recovering = replace(
        part("slow", "import signal; signal.pause()", ready_seconds=0.5),
        is_ready=lambda _: time.monotonic() >= ready_at,
    )
    supervisor.start([recovering])
    (first,) = pids(tmp_path)["slow"]
    ready_at = time.monotonic() + 1.5

    psutil.Process(first).kill()
    supervisor.wait_for(lambda: pids(tmp_path)["slow"] != [first])
    (second,) = pids(tmp_path)["slow"]
    supervisor.wait_for(lambda: time.monotonic() >= ready_at)

    assert pids(tmp_path)["slow"] == [second]


def until_started(made: StackPart, *, times: int) -> StackPart:
    """The part, with a stop requested when it is to be started once more than `times`."""
    left = iter(range(times))

    def command() -> Command:
        if next(left, None) is None:
            raise Stopped
        return made.command()

    return replace(made, command=command)


def test_once_all_is_settled_a_part_that_never_gets_ready_is_started_again(supervisor, tmp_path):
    supervisor.start([part("web", SERVE)])
    (web,) = pids(tmp_path)["web"]
    mute = part("short", "import signal; signal.pause()", ready_seconds=0.1)

    supervisor.begin([until_started(mute, times=3)])
    supervisor.supervise()

    assert psutil.pid_exists(web)


def test_once_all_is_settled_quick_deaths_of_a_part_stop_nothing(supervisor, tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor_module, "BACKOFF_SECONDS", (0.05,))
    supervisor.start([part("web", SERVE)])
    (web,) = pids(tmp_path)["web"]
    dying = part("short", "import time; time.sleep(0.05); raise SystemExit(1)")

    supervisor.begin([until_started(dying, times=5)])
    supervisor.supervise()

    assert psutil.pid_exists(web)


def test_a_step_that_fails_says_why(supervisor):
    command = Command(
        argv=(sys.executable, "-c", "raise SystemExit('bad migration')"), env={}, cwd=Path("/")
    )

    with pytest.raises(
        RuntimeProblem, match=r"migrate failed \(exit status 1\)(?s:.*)bad migration"
    ):
        supervisor.run_step("migrate", command, seconds=10)


def step_of(program: str) -> Command:
    return Command(argv=(sys.executable, "-c", textwrap.dedent(program)), env={}, cwd=Path("/"))


def test_parts_that_begin_in_the_middle_of_a_step_are_looked_after(supervisor, tmp_path):
    flag = tmp_path / "seeded"
    step = supervisor.begin_step(
        "seed",
        step_of(f"""
            import pathlib, time
            print("not migrated yet", flush=True)
            print("migrated", flush=True)
            while not pathlib.Path({str(flag)!r}).exists():
                time.sleep(0.01)
        """),
        seconds=10,
    )
    supervisor.wait_until_said(step, b"migrated")
    said = step.running.output()

    supervisor.start([part("web", SERVE)])

    assert said.endswith(b"\nmigrated\n")
    assert not step.is_over()
    flag.touch()
    supervisor.end_step(step)
    assert psutil.pid_exists(pids(tmp_path)["web"][0])


def test_a_step_that_fails_before_its_word_is_a_problem_and_not_waited_for(supervisor):
    step = supervisor.begin_step("seed", step_of("raise SystemExit('no disk')"), seconds=30)

    supervisor.wait_until_said(step, b"migrated")

    with pytest.raises(RuntimeProblem, match=r"seed failed \(exit status 1\)(?s:.*)no disk"):
        supervisor.end_step(step)


def test_a_step_that_takes_too_long_is_ended_and_a_problem(supervisor):
    step = supervisor.begin_step("seed", step_of("import signal; signal.pause()"), seconds=0.2)

    with pytest.raises(RuntimeProblem, match=r"seed failed \(no end in 0 s\)"):
        supervisor.end_step(step)

    assert not psutil.pid_exists(step.running.process.pid)


def test_a_stop_in_the_middle_of_a_step_ends_it(supervisor):
    step = supervisor.begin_step("seed", step_of("import signal; signal.pause()"), seconds=30)

    supervisor.stop()

    assert not psutil.pid_exists(step.running.process.pid)


def test_parts_stop_in_reverse_order(supervisor, tmp_path):
    order = tmp_path / "order"
    program = """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        print("up", flush=True)
        signal.sigwait([signal.SIGTERM])
        open({order!r}, "a").write({name!r} + " ")
    """
    for name in ("database", "web"):
        supervisor.start([part(name, program.format(order=str(order), name=name))])

    supervisor.stop()

    assert order.read_text() == "web database "


def test_a_part_that_will_not_stop_is_killed_when_its_time_is_over(supervisor, tmp_path):
    deaf = """
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("up", flush=True)
        while True:
            signal.pause()
    """
    supervisor.start([part("deaf", deaf, stop_seconds=0.2)])
    (pid,) = pids(tmp_path)["deaf"]

    supervisor.stop()

    assert not psutil.pid_exists(pid)


def test_sigkill_of_the_supervisor_leaves_no_orphan(tmp_path):
    (tmp_path / "log").mkdir()
    program = f"""
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(ROOT / "tests" / "faults")!r})
        from parts import part
        from pictor.embedded.progress import Progress
        from pictor.embedded.supervisor import Supervisor
        run = Path({str(tmp_path)!r})
        deaf_child = '''
            import signal, subprocess, sys
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
            print("up", flush=True)
            while True:
                signal.pause()
        '''
        supervisor = Supervisor(run=run, children_file=run / "children.json", progress=Progress())
        supervisor.start([part("deaf", deaf_child)])
        print("all up", flush=True)
        supervisor.supervise()
    """
    boss = subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    assert boss.stdout is not None
    assert any("all up" in line for line in boss.stdout)
    family = psutil.Process(boss.pid).children(recursive=True)

    boss.kill()
    boss.wait()
    boss.stdout.close()

    gone, alive = psutil.wait_procs(family, timeout=10)
    assert len(gone) == 3  # the guardian, the part and its child
    assert alive == []
