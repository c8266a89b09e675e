"""The embedded S3 server: `rclone serve s3` on a folder, with checked signatures.

It loses content types and other metadata when it restarts; ours are in the database.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pictor.embedded.errors import INSTALL, RuntimeProblem
from pictor.embedded.part import Running, StackPart, http_status
from pictor.embedded.process import Command


@dataclass(frozen=True, kw_only=True)
class S3:
    """A server and the folder of its buckets."""

    folder: Path
    port: int
    key_id: str
    secret: str

    @property
    def url(self) -> str:
        """Value of S3_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self.port}"

    def part(self) -> StackPart:
        """Return the server. Its key is in its environment, never on the command line."""
        return StackPart(
            name="s3", role="s3", command=self._command, is_ready=partial(_speaks, self.port)
        )

    def _command(self) -> Command:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        cache = self.folder.with_name("s3-cache")
        return Command(
            argv=(
                str(_binary()), "serve", "s3", "--addr", f"127.0.0.1:{self.port}",
                "--cache-dir", str(cache), "--buffer-size", "0", "--dir-cache-time", "10s",
                "--max-header-bytes", "65536", str(self.folder),
            ),
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": str(self.folder.parent),
                "RCLONE_CONFIG": "",
                "RCLONE_AUTH_KEY": f'"{self.key_id},{self.secret}"',
                "GOMEMLIMIT": "128MiB",
            },
            cwd=self.folder.parent,
        )  # fmt: skip


def _binary() -> Path:
    beside = Path(sys.executable).parent / "rclone"
    binary = str(beside) if beside.exists() else shutil.which("rclone")
    if not binary:
        raise RuntimeProblem(f"rclone is not here: {INSTALL} or set S3_ENDPOINT_URL.")
    return Path(binary)


def _speaks(port: int, _running: Running) -> bool:
    """True if the server answers at all; without a signature it refuses."""
    return http_status(port, "/") > 0
