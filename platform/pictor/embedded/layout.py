"""Where the running default keeps its files, and what the environment asks of it.

`PICTOR_DATA` (default `.pictor` in the checkout) is what must survive; `PICTOR_RUN_DIR` (default
`.run` in the checkout) describes the stack that runs now and may be deleted while none does.
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
        """Where the web process answers us: loopback, unless PICTOR_HOST names another address."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 (compared, not bound)

    @property
    def base_url(self) -> str:
        """The address to show to people and to put into presigned urls."""
        host = self.host if self.host not in {"127.0.0.1", "::1", "0.0.0.0", "::"} else "localhost"  # noqa: S104 (compared, not bound)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def run_dir(root: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that describes the stack running now."""
    return (root / (environ.get("PICTOR_RUN_DIR") or ".run")).absolute()


def read_layout(root: Path, environ: Mapping[str, str] = os.environ) -> Layout:
    """The layout that the environment asks for; raises RuntimeProblem for an impossible PORT."""
    return Layout(
        root=root,
        data=(root / (environ.get("PICTOR_DATA") or ".pictor")).absolute(),
        run=run_dir(root, environ),
        host=environ.get("PICTOR_HOST", "").strip() or "127.0.0.1",
        port=read_port(environ, default="8000"),
    )


def read_port(environ: Mapping[str, str] = os.environ, *, default: str = "") -> int:
    """PORT; raises RuntimeProblem where it is impossible, or missing and without a default."""
    raw = environ.get("PORT", "").strip() or default
    if not raw.isascii() or not raw.isdigit() or not 0 < int(raw) <= HIGHEST_PORT:
        raise RuntimeProblem(f"PORT must be a number from 1 to {HIGHEST_PORT}, not {raw!r}.")
    return int(raw)
