"""The embedded PostgreSQL: initdb, the stale pid file, the command, the probe.

It listens on loopback TCP with scram, without a Unix socket, whose path would often be too long.
"""

import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from pictor.embedded.errors import RuntimeProblem
from pictor.embedded.old_parts import STATE, stat_fields
from pictor.embedded.part import Running, StackPart, first_reply
from pictor.embedded.postgres_place import ClusterPlace
from pictor.embedded.process import Command

OWNER = "pictor"
PROCESSES = "pictor_processes"
DATABASE = "pictor"
PROTOCOL_3 = 196_608
INITDB_SECONDS = 120
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Statements hold prompts, and so do their parameters and an error's DETAIL and CONTEXT.
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_lock_waits": "off",
}
if sys.platform == "linux":
    # Recovery after a kill would otherwise fsync every file of the cluster singly: 5 s of 7.
    SETTINGS["recovery_init_sync_method"] = "syncfs"


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """One cluster and its server's port."""

    place: ClusterPlace
    port: int
    owner_password: str
    processes_password: str

    @property
    def url(self) -> str:
        """Value of DATABASE_URL: the role that uses the tables."""
        return self._url(PROCESSES, self.processes_password)

    @property
    def owner_url(self) -> str:
        """Value of MIGRATION_DATABASE_URL: the tables' owner, who creates the other role."""
        return self._url(OWNER, self.owner_password)

    def _url(self, role: str, password: str) -> str:
        return f"postgresql://{role}:{quote(password, safe='')}@127.0.0.1:{self.port}/{DATABASE}"

    def part(self) -> StackPart:
        """Return the server, in the foreground."""
        return StackPart(
            name="postgres",
            role="postgres",
            command=self._command,
            is_ready=partial(_accepts, self.port),
            stop_signal=signal.SIGINT,  # its fast shutdown, which waits for no client
            stop_seconds=20.0,
            ready_seconds=600.0,  # recovery after a crash comes first
        )

    def create(self) -> bool:
        """Create the cluster and its database; return False if they existed already.

        Raises RuntimeProblem with initdb's output.
        """
        cluster = self.place.cluster
        if cluster.exists():
            self._check_version()
            return False
        # Moved to its place whole, so that an interrupted start leaves nothing half-made.
        draft = cluster.with_name(f"{cluster.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        self._own(draft)
        # In a file, since every account can read a command line.
        with tempfile.NamedTemporaryFile("w", dir=cluster.parent) as password:
            password.write(self.owner_password)
            password.flush()
            self._own(Path(password.name))
            self._run_tool(
                "initdb", "-D", str(draft), "-U", OWNER, f"--pwfile={password.name}",
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
            )  # fmt: skip
        # In single-user mode, so that no server has to start for it.
        self._run_tool(
            "postgres", "--single", "-D", str(draft), "postgres",
            text=f"CREATE DATABASE {DATABASE};\n",
        )  # fmt: skip
        draft.rename(cluster)
        return True

    def _check_version(self) -> None:
        try:
            version = (self.place.cluster / "PG_VERSION").read_text(encoding="ascii").strip()
        except OSError as error:
            raise RuntimeProblem(
                f"{self.place.cluster} is not a PostgreSQL cluster: {error}"
            ) from error
        if version != self.place.major:
            raise RuntimeProblem(
                f"{self.place.cluster} was made by PostgreSQL {version}, installed is"
                f" {self.place.major}: dump and restore it, or start with another PICTOR_DATA."
            )

    def _command(self) -> Command:
        clear_stale_pid(self.place.cluster)
        settings = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        return Command(
            argv=(
                str(self.place.install / "bin/postgres"),
                "-D", str(self.place.cluster), "-p", str(self.port), *settings,
            ),
            env=_environment(),
            cwd=self.place.cluster,
            account=self.place.account,
            death_signal=signal.SIGQUIT,  # an immediate shutdown that ends its children too
        )  # fmt: skip

    def _own(self, path: Path) -> None:
        if self.place.account:
            os.chown(path, self.place.account.uid, self.place.account.gid)

    def _run_tool(self, name: str, *arguments: str, text: str = "") -> None:
        account = self.place.account
        result = subprocess.run(  # noqa: S603 (our own commands)
            [str(self.place.install / "bin" / name), *arguments],
            input=text,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",  # the account may not enter ours
            env=_environment(),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            timeout=INITDB_SECONDS,
            check=False,
        )
        if result.returncode != 0:
            words = "\n".join(f"    {line}" for line in result.stdout.splitlines()[-12:])
            raise RuntimeProblem(f"PostgreSQL's {name} failed:\n{words}")


def clear_stale_pid(cluster: Path) -> None:
    """Remove `postmaster.pid` of an earlier server.

    PostgreSQL refuses to start if the pid in the file exists, even as another process. A server of
    this cluster that still runs is stopped first.
    """
    path = cluster / "postmaster.pid"
    try:
        pid = int(path.read_text(encoding="ascii", errors="replace").splitlines()[0])
    except FileNotFoundError:
        return
    except (IndexError, ValueError):
        pid = 0
    # We hold the lock on PICTOR_DATA, so a server that still runs is not needed.
    if pid > 0 and _serves(pid, cluster):
        os.kill(pid, signal.SIGQUIT)
        for _ in range(200):
            if not _serves(pid, cluster):
                break
            time.sleep(0.05)
    path.unlink(missing_ok=True)


def _serves(pid: int, cluster: Path) -> bool:
    fields = stat_fields(pid)
    if not fields:
        return _serves_by_ps(pid, cluster)
    if fields[STATE] == "Z":
        return False
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(cluster) in words


def _serves_by_ps(pid: int, cluster: Path) -> bool:
    """Check the command line by ps, for systems without /proc."""
    if Path("/proc/self/stat").exists():
        return False
    result = subprocess.run(  # noqa: S603 (our own command)
        ["ps", "-o", "command=", "-p", str(pid)],  # noqa: S607 (found on every Unix)
        capture_output=True,
        text=True,
        check=False,
    )
    return str(cluster) in result.stdout


def _accepts(port: int, _running: Running) -> bool:
    """True if the server asks a connection for its password."""
    body = struct.pack("!i", PROTOCOL_3) + f"user\0{OWNER}\0database\0{DATABASE}\0\0".encode()
    return first_reply(port, struct.pack("!i", len(body) + 4) + body, 1) == b"R"


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
