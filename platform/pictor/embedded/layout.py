"""Folders and public address of the running default, from the environment.

`PICTOR_DATA` (default `.pictor` in the checkout) must survive; `PICTOR_RUN_DIR` (default `.run` in
the checkout) describes the running stack and may be deleted while none runs.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pictor.embedded.errors import RuntimeProblem

HIGHEST_PORT = 65_535


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The folders and the public address of one stack."""

    root: Path
    """The checkout: the working directory of every part."""
    data: Path
    run: Path
    host: str
    port: int

    @property
    def logs(self) -> Path:
        """One file per part, `NAME.log`."""
        return self.run / "log"

    @property
    def probe_host(self) -> str:
        """The host for probes of the web process: loopback, unless PICTOR_HOST names another."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 (compared, not bound)

    @property
    def base_url(self) -> str:
        """The address for people and presigned URLs."""
        host = self.host if self.host not in {"127.0.0.1", "::1", "0.0.0.0", "::"} else "localhost"  # noqa: S104 (compared, not bound)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def run_dir(root: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that describes the running stack."""
    return (root / (environ.get("PICTOR_RUN_DIR") or ".run")).absolute()


def read_layout(root: Path, environ: Mapping[str, str] = os.environ) -> Layout:
    """Return the environment's layout. Raises RuntimeProblem for an impossible PORT."""
    return Layout(
        root=root,
        data=(root / (environ.get("PICTOR_DATA") or ".pictor")).absolute(),
        run=run_dir(root, environ),
        host=environ.get("PICTOR_HOST", "").strip() or "127.0.0.1",
        port=read_port(environ, default="8000"),
    )


def read_port(environ: Mapping[str, str] = os.environ, *, default: str = "") -> int:
    """Return PORT. Raises RuntimeProblem if it is impossible, or missing without a default."""
    raw = environ.get("PORT", "").strip() or default
    if not raw.isascii() or not raw.isdigit() or not 0 < int(raw) <= HIGHEST_PORT:
        raise RuntimeProblem(f"PORT must be a number from 1 to {HIGHEST_PORT}, not {raw!r}.")
    return int(raw)
