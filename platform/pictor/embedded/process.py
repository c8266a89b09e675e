"""Start and end of operating-system processes, so that none outlives the supervisor.

Each part gets its own session, so that a Ctrl-C at the terminal reaches only the supervisor, and on
Linux a parent-death signal. That signal is tied to the *thread* that spawned the child, so call
`spawn` from the main thread only. On other systems the guardian does this work.
"""

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

PR_SET_PDEATHSIG = 1
WANTED_FILES = 65_536
LINUX = sys.platform == "linux"
_prctl = ctypes.CDLL(None, use_errno=True).prctl if LINUX else None


@dataclass(frozen=True, kw_only=True)
class OsAccount:
    """An operating-system account for a part that must not run as root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command to execute. Put secrets into `env`, since every account can read `argv`."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    account: OsAccount | None = None
    death_signal: signal.Signals = signal.SIGKILL
    """Sent by the kernel or the guardian when the supervisor dies without stopping its parts."""


def spawn(command: Command, *, log: Path) -> subprocess.Popen[bytes]:
    """Start the command and append its output to the log. Main thread only."""
    account = command.account
    last_words = partial(die_with_parent, command.death_signal, os.getpid()) if LINUX else None
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 (our own commands)
            command.argv,
            cwd=command.cwd,
            env=dict(command.env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=last_words,  # noqa: PLW1509 (no other thread spawns)
        )


def die_with_parent(sig: signal.Signals, parent: int) -> None:
    """Ask the kernel for the signal at the parent's end; send it now if it has ended already."""
    if _prctl is None:
        return
    _prctl(PR_SET_PDEATHSIG, int(sig), 0, 0, 0)
    if os.getppid() != parent:  # the parent may have ended before the kernel was told
        os.kill(os.getpid(), sig)


def signal_group(group: int, sig: signal.Signals) -> bool:
    """Signal every process of the group; return False if none is left."""
    try:
        os.killpg(group, sig)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS: only zombies are left
        return False
    return True


def raise_file_limit() -> None:
    """Let this process and its children open many files; web holds thousands of sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    infinite = resource.RLIM_INFINITY
    wanted = WANTED_FILES if hard == infinite else max(min(hard, WANTED_FILES), soft)
    with contextlib.suppress(ValueError, OSError):
        if os.geteuid() == 0 and hard != infinite and hard < WANTED_FILES:
            resource.setrlimit(resource.RLIMIT_NOFILE, (WANTED_FILES, WANTED_FILES))
            return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
