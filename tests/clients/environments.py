"""Third-party programs in environments of their own, from lock files with hashes."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.stack.servers import ROOT

ENVIRONMENTS = ROOT / ".venv-clients"
UV = [sys.executable, "-m", "uv"]
LOCK_OPTIONS = "--quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url"


class Unavailable(Exception):
    """Raised with the reason why this machine cannot run a program."""


def python_of(name: str, lock: Path) -> Path:
    """The Python of a virtual environment with exactly the lock file's packages."""
    python = ENVIRONMENTS / name / "bin" / "python"
    if not python.exists():
        quietly([*UV, "venv", "--python", sys.executable, str(ENVIRONMENTS / name)])
    quietly([*UV, "pip", "sync", "--python", str(python), "--require-hashes", str(lock)])
    return python


def node_of(folder: Path) -> str:
    """The path of Node, once the folder's packages are installed there.

    No package's own scripts run. Raises Unavailable if Node or npm is missing.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Unavailable("node and npm are not installed")
    quietly([npm, "ci", "--ignore-scripts"], cwd=folder)
    return node


def lock(wanted: Path, command: str) -> None:
    """Rewrite the lock file beside an .in file or package.json. It names no registry.

    Args:
        wanted: the .in file or package.json.
        command: named in a Python lock file as its author.
    """
    if wanted.suffix == ".json":
        if npm := shutil.which("npm"):
            quietly([npm, "install", "--package-lock-only"], cwd=wanted.parent)
        return
    header = ["--custom-compile-command", command]
    written = ["-o", wanted.with_suffix(".lock").name, "--upgrade"]
    compile_it = [*UV, "pip", "compile", *LOCK_OPTIONS.split(), *header, wanted.name, *written]
    quietly(compile_it, cwd=wanted.parent)


def quietly(command: list[str], *, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Standard output; raises CalledProcessError after printing the program's output."""
    done = subprocess.run(  # noqa: S603 - our own command line
        command, cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stdout.write(done.stdout + done.stderr)
        sys.stdout.flush()
        done.check_returncode()
    return done.stdout
