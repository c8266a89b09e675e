"""The operating-system account that runs PostgreSQL, and checks of its access to files.

PostgreSQL refuses to run as root, and its initdb needs an account with a passwd entry.
"""

import os
import pwd
from collections.abc import Iterable
from pathlib import Path

from pictor.embedded.errors import RuntimeProblem
from pictor.embedded.process import OsAccount

CANDIDATES = ("postgres", "nobody")


def unprivileged() -> OsAccount:
    """Return the account `postgres` if it exists, else `nobody`. Raises RuntimeProblem."""
    for name in CANDIDATES:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise RuntimeProblem(
        "PostgreSQL does not run as root, and this system has neither a user `postgres` nor"
        " `nobody`: run as a normal user, or set DATABASE_URL."
    )


def owner_of(path: Path) -> OsAccount | None:
    """Return the path's owner; None for root, for a nameless owner and for a missing path."""
    try:
        entry = pwd.getpwuid(path.stat().st_uid)
    except (OSError, KeyError):
        return None
    return _account(entry) if entry.pw_uid else None


def can_reach(account: OsAccount, wanted: Iterable[tuple[Path, int]]) -> bool:
    """Check, as the account, that each path grants the access (os.R_OK, os.X_OK…).

    It forks, so call it while this process has only one thread.
    """
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])  # first: after setuid there is no right to
            os.setgid(account.gid)
            os.setuid(account.uid)
            # `_exit`, since the parent's buffers and exit handlers are not the child's to run.
            os._exit(0 if all(os.access(path, mode) for path, mode in wanted) else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _account(entry: pwd.struct_passwd) -> OsAccount:
    return OsAccount(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
