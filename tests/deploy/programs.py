"""Third-party programs that read the files of deploy/; tests report a missing one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from tests.stack.servers import ROOT

DRILLS = bool(os.environ.get("PICTOR_DRILLS"))
"""Set by `make drills`: there a missing program is a failure."""
DEPLOY = ROOT / "deploy"


def program(name: str, way: str) -> str:
    """Return the program's path; if missing, skip with the way to get it, or fail in a drill."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=f"{beside}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        not_tried(f"NO {name.upper()}: what needs it was not tried ({way})")
    return found


def not_tried(why: str) -> NoReturn:
    """Skip the test, and say so; in a drill, fail."""
    if DRILLS:
        pytest.fail(why)
    pytest.skip(why)


def said(*command: str, cwd: Path = DEPLOY) -> tuple[int, str]:
    """Exit status and all output of a program."""
    done = subprocess.run(  # noqa: S603 - found by program()
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout
